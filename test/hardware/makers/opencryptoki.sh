# Runs its arguments beside a slot daemon of their own, on empty token folders. Called in namespaces of its own (maker.ts).
set -eu
configuration=/run/opencryptoki.conf
for place in /run /var/lib/opencryptoki /dev/shm; do mount -t tmpfs none "$place"; done
for folder in /run/lock /run/opencryptoki /run/lock/opencryptoki /run/lock/opencryptoki/swtok \
  /var/lib/opencryptoki/swtok /var/lib/opencryptoki/swtok/TOK_OBJ; do
  mkdir "$folder"
  chgrp pkcs11 "$folder"
  chmod 770 "$folder"
done
printf 'version opencryptoki-3.1\nslot 0\n{\nstdll = libpkcs11_sw.so\n}\n' >"$configuration"
mount --bind "$configuration" /etc/opencryptoki/opencryptoki.conf
pkcsslotd >/dev/null 2>&1
"$@"

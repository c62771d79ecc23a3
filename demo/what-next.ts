/** What to look at and what to try after a demo that was kept. */

import { relative } from "node:path";
import type { BoxPaths } from "../ceremony/provision/layout.ts";

/** The text; paths are relative to the current folder where that is shorter. */
export function whatNext(paths: BoxPaths, folder: string): string {
  const at = (path: string) => {
    const near = relative(process.cwd(), path);
    return quoted(near.length < path.length ? near : path);
  };
  const dir = at(paths.dir);
  const as = `npm run -s ceremony -- --as ${at(paths.operators[1]?.operatorJson ?? "")}`;
  return `
Look at
  ${at(`${paths.stick}/coldseal/outbox/${folder}`)}   seals, manifest, authorisation, policy, certificates
  ${at(`${paths.dir}/slip.txt`)}   the slip that the submitter printed
  ${at(`${paths.keeper}/coldseal/audit`)}   what goes to the ledger's keeper
  npm run -s coldseal -- inspect ${at(`${paths.stick}/coldseal/outbox/${folder}/manifest.p7m`)}

Check a seal with OpenSSL alone
  openssl cms -verify -cades -binary -inform DER -purpose any -CAfile ${at(paths.pki.root)} -no-CApath -no-CAstore \\
    -in ${at(`${paths.stick}/coldseal/outbox/${folder}/seals/0000/000002-contract-0113.pdf.p7s`)} \\
    -content ${at(`${paths.stick}/coldseal/inbox/${folder}/documents/contract-0113.pdf`)} -out /dev/null

Play with the same box (PINs lie beside each token: box/pin, operators/op*/pin)
  starts it again; leave it running and use another terminal:
    npm run box -- ${dir}
  unlock it, with the PIN of ${at(paths.box.pin)}:
    ${as} unlock
  bring a batch:
    npm run -s coldseal -- batch create README.md --to ${at(paths.stick)} --mode test \\
      --key ${at(paths.pki.submitterP12)} --password-file ${at(paths.pki.submitterPassword)}
  approve it, as op2, then as op1 or op3 (the words stand on the slip that "batch create" printed):
    ${as} approve
  or bring a document that OpenSSL signed, and approve it by typing how many there are:
    mkdir ${at(`${paths.stick}/coldseal/inbox/plain`)}
    openssl cms -sign -binary -nodetach -md sha256 -signer ${at(paths.pki.plainSubmitter)} \\
      -inkey ${at(paths.pki.plainSubmitterKey)} -in README.md -outform DER \\
      -out ${at(`${paths.stick}/coldseal/inbox/plain/README.md.p7m`)}
    printf 1 > ${at(`${paths.stick}/coldseal/inbox/plain/READY`)}
`;
}

function quoted(path: string): string {
  return /^[A-Za-z0-9_./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Sockets that systemd opened and hands over (sd_listen_fds(3)): a process then needs no right to make or replace a socket's name. */

/** Descriptors that are handed over are numbered from here on (SD_LISTEN_FDS_START). */
const first = 3;

/**
 * The descriptor of the listening socket that was handed over to this very process under that name (`FileDescriptorName=`), or undefined: then the process
 * makes its own. `environment` is what the process was started with.
 */
export function inheritedSocket(
  name: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  pid = process.pid,
): number | undefined {
  // Children inherit the variables, not the descriptors: LISTEN_PID says whom they are for.
  if (environment.LISTEN_PID !== String(pid)) return undefined;
  const count = Number(environment.LISTEN_FDS);
  const at = (environment.LISTEN_FDNAMES ?? "").split(":").indexOf(name);
  return at >= 0 && at < count ? first + at : undefined;
}

/** Where to listen (`serve`): at the socket that was handed over under that name, else at one made at `path`. */
export function socketAt(name: string, path: string): string | { readonly fd: number } {
  const fd = inheritedSocket(name);
  return fd === undefined ? path : { fd };
}

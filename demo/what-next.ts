/** What to look at and what to try after a demo that was kept. */

import { relative } from "node:path";
import type { RehearsedBox } from "../ceremony/rehearse/rehearsed-box.ts";

/** The text; paths are relative to the current folder where that is shorter. */
export function whatNext({ paths, shares }: RehearsedBox, folder: string): string {
  const at = (path: string) => {
    const near = relative(process.cwd(), path);
    return quoted(near.length < path.length ? near : path);
  };
  const dir = at(paths.dir);
  const [, ...two] = [...shares.values()].map(at);
  const as = `npm run -s ceremony -- --as ${at(paths.operators[1]?.operatorJson ?? "")}`;
  return `
Look at
  ${at(`${paths.dir}/R-001-genesis.script.pdf`)}   the script of the genesis; .record.pdf and .p7m are what it left
  ${at(`${paths.stick}/coldseal/outbox/${folder}`)}   seals, manifest, authorisation, policy, certificates
  ${at(`${paths.dir}/test-box-000001.batch-record.pdf`)}   the printed record of the batch
  ${at(`${paths.dir}/slip.txt`)}   the slip that the submitter printed
  ${at(`${paths.keeper}/coldseal/audit`)}   what goes to the ledger's keeper
  npm run -s coldseal -- inspect ${at(`${paths.stick}/coldseal/outbox/${folder}/manifest.p7m`)}
  npm run -s coldseal -- ledger find ${at(`${paths.dir}/connected/ledger`)} ${at(`${paths.dir}/documents/contract-0113.pdf`)}   (was this file sealed?)
  npm run -s coldseal -- ledger list ${at(`${paths.dir}/connected/ledger`)}   (docs/ledger.md has what else it answers)

Check a seal with OpenSSL alone
  openssl cms -verify -cades -binary -inform DER -purpose any -CAfile ${at(paths.pki.root)} -no-CApath -no-CAstore \\
    -in ${at(`${paths.stick}/coldseal/outbox/${folder}/seals/0000/000002-contract-0113.pdf.p7s`)} \\
    -content ${at(`${paths.stick}/coldseal/inbox/${folder}/documents/contract-0113.pdf`)} -out /dev/null

Play with the same box (PINs and passphrases of the made-up people lie in operators/op*/)
  starts it again; leave it running and use another terminal:
    npm run box -- ${dir}
  unlock it by two shares, with the passphrases of their holders, op2 and op3:
    ${as} unlock \\
      --share ${two.join(" ")}
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

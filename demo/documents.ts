/** The documents that the demo brings: several kinds and sizes, names as people give them. */

import { createCipheriv } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const largeBytes = 200 * 1024 * 1024;
const piece = 4 * 1024 * 1024;

/** Writes twelve documents, one of them 200 MiB, into a new folder. */
export async function makeDocuments(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const small: Record<string, string | Uint8Array> = {
    "contract-0113.pdf": pdf("Supply contract 0113", ["between Example Works and Sample Parts", "Q4 2026, 1200 units"]),
    "Übersicht 2026.pdf": pdf("Yearly overview 2026", ["Prepared for the auditors"]),
    "minutes of the board.txt": "Minutes of the board, 12 November 2026.\nThe budget was approved without dissent.\n",
    "протокол.txt": "Протокол заседания: принято единогласно.\n",
    "契約書.txt": "この契約は二部作成し、各一部を保有する。\n",
    "prices (final).csv": priceList(500),
    "notice.xml": '<?xml version="1.0" encoding="UTF-8"?>\n<notice date="2026-11-23"><to>Suppliers</to></notice>\n',
    "measurements.json": JSON.stringify({
      sensor: 7,
      values: Array.from({ length: 2000 }, (_, at) => (at * at) % 977),
    }),
    "empty.dat": "",
    "archive.csv.gz": gzipSync(priceList(20_000)),
    "firmware image v1.2.bin": stream(1_500_000, 1),
  };
  for (const [name, content] of Object.entries(small)) await writeFile(join(folder, name), content);
  writeLarge(join(folder, "scan-7.tif"));
}

/** Bytes that look random and are the same each time: AES-CTR over zeros. */
function stream(length: number, seed: number): Uint8Array {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}

function writeLarge(path: string): void {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16));
  const zeros = Buffer.alloc(piece);
  const file = openSync(path, "wx");
  try {
    for (let written = 0; written < largeBytes; written += piece) writeSync(file, cipher.update(zeros));
  } finally {
    closeSync(file);
  }
}

function priceList(rows: number): string {
  const lines = ["part;price"];
  for (let at = 0; at < rows; at++) lines.push(`P-${String(at).padStart(6, "0")};${((at * 37) % 9000) / 100}`);
  return `${lines.join("\n")}\n`;
}

/** A one-page PDF 1.4 with a title and lines of Helvetica. */
function pdf(title: string, lines: readonly string[]): string {
  const shownLines = [title, ...lines].map(
    (line, at) => `BT /F1 ${at === 0 ? 20 : 12} Tf 72 ${740 - at * 30} Td (${line}) Tj ET`,
  );
  const content = shownLines.join("\n");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  ];
  let body = "%PDF-1.4\n";
  const offsets = objects.map((object, at) => {
    const offset = body.length;
    body += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  return (
    `${body}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}` +
    `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`
  );
}

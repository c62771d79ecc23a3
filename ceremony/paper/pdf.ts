/** A paper as PDF: A4, Courier, a header and a footer on each page, digests also as QR codes. Equal papers give equal bytes. */

import { PageSizes, PDFDocument, type PDFFont, type PDFPage, rgb, StandardFonts } from "@cantoo/pdf-lib";
import qrcode from "qrcode-generator";
import { digestLines, type Paper, type PaperItem } from "./page.ts";

const [pageWidth, pageHeight] = PageSizes.A4;
const margin = 56;
const size = 9.5;
const lead = 12.4;
const headingSize = 10.5;
const qrSide = 92;
const qrGap = 8;
const firstLine = pageHeight - 70;
const lastLine = 48;
const black = rgb(0, 0, 0);
const grey = rgb(0.35, 0.35, 0.35);
const red = rgb(0.7, 0.05, 0.05);

/** Bytes of the PDF; `created` is UTC and stands in its properties. */
export async function pdfOf(paper: Paper, created: string): Promise<Uint8Array> {
  const document = await PDFDocument.create({ updateMetadata: false });
  const date = new Date(created);
  document.setTitle(paper.title);
  document.setProducer("Coldseal");
  document.setCreationDate(date);
  document.setModificationDate(date);
  const fonts = {
    plain: await document.embedFont(StandardFonts.Courier),
    bold: await document.embedFont(StandardFonts.CourierBold),
  };
  const setter = new Setter(document, fonts, paper);
  for (const item of paper.items) setter.set(item);
  setter.number();
  return document.save({ useObjectStreams: false });
}

interface Fonts {
  readonly plain: PDFFont;
  readonly bold: PDFFont;
}

class Setter {
  readonly #document: PDFDocument;
  readonly #fonts: Fonts;
  readonly #paper: Paper;
  readonly #pages: PDFPage[] = [];
  #y = 0;

  constructor(document: PDFDocument, fonts: Fonts, paper: Paper) {
    this.#document = document;
    this.#fonts = fonts;
    this.#paper = paper;
    this.#newPage();
    this.#line(paper.title, this.#fonts.bold, 13);
    this.#y -= 8;
  }

  set(item: PaperItem): void {
    if (typeof item === "string") this.#line(item, item.startsWith("!!") ? this.#fonts.bold : this.#fonts.plain);
    else if ("together" in item) this.#together(item.together);
    else if ("heading" in item) this.#heading(item.heading);
    else this.#digest(item.digest);
  }

  /** Header and footer, once it is known how many pages there are. */
  number(): void {
    const { mark, warning } = this.#paper;
    for (const [at, page] of this.#pages.entries()) {
      const text = (words: string, y: number, colour = grey) =>
        page.drawText(words, { x: margin, y, size: 8, font: this.#fonts.plain, color: colour });
      text(mark, pageHeight - 34);
      if (warning !== undefined) text(warning, pageHeight - 46, red);
      text(`page ${at + 1} of ${this.#pages.length}`, 30);
    }
  }

  #together(items: readonly PaperItem[]): void {
    const height = heightOf({ together: items });
    if (height <= firstLine - lastLine) this.#room(height);
    for (const item of items) this.set(item);
  }

  #heading(heading: string): void {
    // Not alone at the foot of a page.
    this.#room(heightOf({ heading }) + 2 * lead);
    this.#y -= lead * 0.9;
    this.#line(heading, this.#fonts.bold, headingSize);
    this.#page.drawLine({
      start: { x: margin, y: this.#y + lead - 4 },
      end: { x: pageWidth - margin, y: this.#y + lead - 4 },
      thickness: 0.6,
      color: black,
    });
    this.#y -= 4;
  }

  #digest(digest: string): void {
    this.#room(heightOf({ digest }));
    for (const line of digestLines(digest)) this.#line(line, this.#fonts.plain);
    this.#line(`    ${digest}`, this.#fonts.plain);
    this.#qr(digest);
  }

  #qr(text: string): void {
    const code = qrcode(0, "M");
    code.addData(text, "Byte");
    code.make();
    const count = code.getModuleCount();
    const side = qrSide / count;
    this.#y -= qrGap;
    for (let row = 0; row < count; row++) {
      for (let column = 0; column < count; column++) {
        if (!code.isDark(row, column)) continue;
        const [x, y] = [margin + 24 + column * side, this.#y + lead - (row + 1) * side];
        this.#page.drawRectangle({ x, y, width: side + 0.05, height: side + 0.05, color: black });
      }
    }
    this.#y -= qrSide + qrGap;
  }

  #line(text: string, font: PDFFont, points = size): void {
    this.#room(lead);
    if (text !== "") this.#page.drawText(text, { x: margin, y: this.#y, size: points, font, color: black });
    this.#y -= leadOf(points);
  }

  #room(height: number): void {
    if (this.#y - height < lastLine) this.#newPage();
  }

  #newPage(): void {
    this.#pages.push(this.#document.addPage(PageSizes.A4));
    this.#y = firstLine;
  }

  get #page(): PDFPage {
    return this.#pages.at(-1) as PDFPage;
  }
}

function leadOf(points: number): number {
  return points > size ? points + 4 : lead;
}

/** What an item takes of a page. */
function heightOf(item: PaperItem): number {
  if (typeof item === "string") return lead;
  if ("together" in item) return item.together.reduce((sum, one) => sum + heightOf(one), 0);
  if ("heading" in item) return lead * 0.9 + leadOf(headingSize) + 4;
  return (digestLines(item.digest).length + 1) * lead + qrSide + 2 * qrGap;
}

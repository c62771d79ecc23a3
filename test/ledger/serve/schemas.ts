/** Answers of a test's service held against its own OpenAPI document. */

import Fastify, { type FastifyRequest } from "fastify";
import type { Answer, TestService } from "./a-service.ts";

export interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}
export interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

export interface Schemas {
  readonly document: Document;
  operations(): readonly { readonly path: string; readonly method: string; readonly operation: Operation }[];
  /** of an answer to an operation; throws where the document has none */
  schemaOf(answer: Answer, id: string): object;
  /** what does not hold, or null */
  holds(schema: object, value: unknown): string | null;
}

export async function schemasOf(test: TestService): Promise<Schemas> {
  const document = (await test.ask("/openapi.json")).json<Document>();
  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    );
  return {
    document,
    operations,
    schemaOf: (answer, id) => {
      const type = (answer.headers["content-type"] ?? "").split(";")[0] as string;
      const found = operations().find(({ operation }) => operation.operationId === id);
      const content = found?.operation.responses[`${answer.status}`]?.content;
      if (!content) throw new Error(`${id}: ${answer.status} stands nowhere: ${answer.text}`);
      const schema = content[type]?.schema;
      if (!schema) throw new Error(`${id}: ${answer.status} as ${type} stands nowhere`);
      return "$ref" in schema ? (document.components.schemas.Refusal as object) : schema;
    },
    holds: await checker(document),
  };
}

/** JSON Schema as the service's own framework understands it. */
async function checker(document: Document) {
  const options = {
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: false,
    strict: false,
    allowUnionTypes: true,
  } as const;
  const app = Fastify({ ajv: { customOptions: options } });
  let request: FastifyRequest | undefined;
  app.get("/", async (one) => {
    request = one;
    return {};
  });
  await app.inject("/");
  return (schema: object, value: unknown): string | null => {
    const valid = request?.compileValidationSchema({ components: document.components, ...schema });
    if (!valid) return "no validator";
    return valid(value) ? null : JSON.stringify(valid.errors);
  };
}

import type { Caller, IdPrefix, Reserved, Scope } from '@trunkline/core'
import type { Context } from 'hono'
import { z } from 'zod'
import type { RouteClass } from './http-config.ts'
import { issuesOf, validationError } from './problem.ts'

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** A schema per status; null: no body. */
export type Answers = Readonly<Record<number, z.ZodType | null>>

/** Engine documents are readonly all through; an answer only gets read. */
type Frozen<T> = T extends readonly (infer U)[] ? readonly Frozen<U>[] : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

export type AnswerOf<A extends Answers> = {
  [S in keyof A & number]: { status: S; body: A[S] extends z.ZodType ? Frozen<z.output<A[S]>> : null }
}[keyof A & number]

interface Common {
  readonly method: Method
  /** As OpenAPI writes it: `/api/leads/{id}`. */
  readonly path: string
  readonly tag: string
  readonly summary: string
}

interface Shape extends Common {
  /** What the key must hold; `service`: the service token instead of a key. */
  readonly scope: Scope | 'installation' | 'service'
  readonly class?: RouteClass
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly answers: Answers
  readonly bytesMax?: number
  /** Ids of what this route makes begin with it. */
  readonly reserve?: IdPrefix
  /** The answer shows a secret once. */
  readonly isSecret?: true
  /** Works in a read-only workspace. */
  readonly ignoresReadOnly?: true
}

export interface Call {
  readonly caller: Caller
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
  readonly reserved: Reserved
}

/** An endpoint of the API: what it takes, what it answers, who may call it. The same value serves requests and writes the document. */
export interface Route extends Shape {
  /** Validates and runs. Throws AppError. */
  run(call: Call): Promise<{ status: number; body: unknown }>
}

/** An address outside the API that reads and writes HTTP itself (a bridge's hook, a page, a probe). */
export interface RawRoute extends Common {
  readonly answers: Readonly<Record<number, string>>
  respond(c: Context): Response | Promise<Response>
}

interface Spec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends Answers> extends Shape {
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  readonly answers: A
  /** Where the body takes one of several forms: the schema that fits this one, so that errors speak of the form that was meant. */
  choose?(raw: unknown): z.ZodType<z.output<B>>
  handle(call: { caller: Caller; params: z.output<P>; query: z.output<Q>; body: z.output<B>; reserved: Reserved }): Promise<AnswerOf<A>>
}

const empty = z.strictObject({})

/** Where there is no schema, nothing may be given; what comes out is then never read, as its type is `unknown`. */
function check<T extends z.ZodType>(schema: T | undefined, value: unknown): z.output<T> {
  const parsed = (schema ?? empty).safeParse(value)
  if (!parsed.success) throw validationError(issuesOf(parsed.error))
  return parsed.data as z.output<T>
}

/** A typed endpoint. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, const A extends Answers>(spec: Spec<P, Q, B, A>): Route {
  const { choose, handle, ...shape } = spec
  return {
    ...shape,
    run: (call) =>
      handle({
        caller: call.caller,
        reserved: call.reserved,
        params: check(spec.params, call.params),
        query: check(spec.query, call.query),
        body: check(choose?.(call.body) ?? spec.body, call.body) as z.output<B>,
      }),
  }
}

/** Keeps the status a literal, so that it is checked against the answers of the route. */
export function reply<const S extends number, T>(status: S, body: T): { status: S; body: T } {
  return { status, body }
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Only what was given: a filter of the store distinguishes a missing field from an undefined one. */
export function given<T extends object>(filter: T): Given<T> {
  const kept: Given<T> = { ...filter } as Given<T>
  for (const key of Object.keys(filter) as (keyof T)[]) if (filter[key] === undefined) delete kept[key]
  return kept
}

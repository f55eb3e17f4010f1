import { z } from 'zod'

export interface JsonSchema {
  [key: string]: unknown
  type?: string | string[]
  description?: string
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  $ref?: string
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** As OpenAPI wants it: references into the components, and without the name that zod leaves in a schema. Names of properties are no keywords. */
function rewrite(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewrite)
  if (!isObject(value)) return value
  const out: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$defs' || key === '$schema' || key === 'id') continue
    if (key === '$ref' && typeof inner === 'string') out[key] = inner.replace('#/$defs/', '#/components/schemas/')
    else if (key === 'properties' && isObject(inner)) out[key] = Object.fromEntries(Object.entries(inner).map(([name, one]) => [name, rewrite(one)]))
    else out[key] = rewrite(inner)
  }
  return out
}

function toSchema(value: unknown): JsonSchema {
  const out = rewrite(value)
  return isObject(out) ? out : {}
}

/** JSON Schemas of zod schemas; each that has a name becomes a component, so that a thing is described once however many routes answer it. */
export function createComponents() {
  const schemas: Record<string, JsonSchema> = {}
  return {
    schemas,
    of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
      // Wrapped, because zod makes a definition only of what stands inside.
      const json = z.toJSONSchema(z.object({ it: schema }), { io, unrepresentable: 'any' })
      for (const [name, definition] of Object.entries(json.$defs ?? {})) schemas[name] = toSchema(definition)
      return toSchema(json.properties?.it)
    },
  }
}

export type Components = ReturnType<typeof createComponents>

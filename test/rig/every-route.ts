/** As much of a JSON schema as a request is made from. */
export interface Schema {
  $ref?: string
  type?: string
  enum?: unknown[]
  const?: unknown
  format?: string
  minLength?: number
  minItems?: number
  minimum?: number
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
}

interface Operation {
  parameters?: { in: string; name: string; required?: boolean; schema?: Schema }[]
  requestBody?: { content: Record<string, { schema?: Schema }> }
}

export interface Document {
  paths: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema> }
}

export interface RouteShape {
  method: string
  path: string
  /** Where an id can be put: `path:id`, `query:leadId`, `body:leadIds`. */
  slots: { place: 'path' | 'query' | 'body'; name: string; isList: boolean }[]
  /** The least that the body needs, or null for none. */
  body: Record<string, unknown> | null
  query: Record<string, string>
}

/** Whatever is named like an id, and what else finds a record of somebody's. */
const isHandle = (name: string) => /(^id|Ids?)$/.test(name) || ['address', 'addresses', 'cursor', 'recipientPhone', 'recipientEmail'].includes(name)
/** Ids of other systems, which a caller writes down as he likes: in a body they refer to nothing here. */
const isLabel = (name: string) => /^(external|batch|device|hs|ghl)/.test(name)

/** Every route of the API document, with where ids go and the least that makes a request valid. */
export function routesOf(document: Document): RouteShape[] {
  const resolve = (schema: Schema): Schema => {
    const name = schema.$ref?.split('/').at(-1)
    const target = name === undefined ? schema : document.components?.schemas?.[name]
    if (target === undefined) throw new Error(`the document names a schema that it does not hold: ${schema.$ref}`)
    return target === schema ? schema : resolve(target)
  }
  const forms = (schema: Schema): Schema[] => {
    const { anyOf, oneOf } = resolve(schema)
    return (anyOf ?? oneOf)?.flatMap(forms).filter((form) => form.type !== 'null') ?? [resolve(schema)]
  }

  function sample(schema: Schema): unknown {
    const form = forms(schema)[0] ?? {}
    if (form.const !== undefined) return form.const
    if (form.enum) return form.enum[0]
    if (form.type === 'object') return Object.fromEntries((form.required ?? []).map((name) => [name, sample(form.properties?.[name] ?? {})]))
    if (form.type === 'array') return Array.from({ length: form.minItems ?? 0 }, () => sample(form.items ?? {}))
    if (form.type === 'integer' || form.type === 'number') return form.minimum ?? 1
    if (form.type === 'boolean') return false
    return form.format === 'date-time' ? '2026-01-01T00:00:00Z' : 'x'.repeat(Math.max(1, form.minLength ?? 0))
  }

  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): RouteShape => {
      const given = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path' || parameter.in === 'query')
      const schema = operation.requestBody?.content['application/json']?.schema
      const properties = schema ? forms(schema).flatMap((form) => Object.entries(form.properties ?? {})) : []
      const body = schema ? sample(schema) : null
      return {
        method: method.toUpperCase(),
        path,
        body: typeof body === 'object' ? (body as Record<string, unknown> | null) : null,
        query: Object.fromEntries(
          given.filter(({ in: place, required }) => place === 'query' && required).map(({ name, schema: of }) => [name, `${sample(of ?? {})}`]),
        ),
        slots: [
          ...given
            .filter(({ in: place, name }) => place === 'path' || isHandle(name))
            .map(({ in: place, name }) => ({ place: place === 'path' ? ('path' as const) : ('query' as const), name, isList: false })),
          ...properties
            .filter(([name]) => isHandle(name) && !isLabel(name))
            .map(([name, of]) => ({ place: 'body' as const, name, isList: forms(of)[0]?.type === 'array' })),
        ],
      }
    }),
  )
}

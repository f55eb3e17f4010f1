import { z } from 'zod'
import { notes } from './config-kinds.ts'
import { variables } from './config-variables.ts'

const begin = '<!-- configuration: written by npm run docs -->'
const end = '<!-- /configuration -->'

/** The configuration as a Markdown table, made from the schema. */
export function configTable(): string {
  const rows = Object.entries(variables.shape).map(([name, schema]) => {
    const fallback = notes.get(schema)?.fallback ?? (schema instanceof z.ZodPrefault ? `\`${schema.def.defaultValue}\`` : 'none')
    return `| \`${name}\` | ${cell(fallback)} | ${cell(schema.description ?? '')} |`
  })
  return ['| Variable | Default | Meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

/** The document with its configuration table renewed. Refuses a document without the two markers. */
export function withTable(document: string): string {
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error(`the document lacks the lines ${begin} and ${end}`)
  return `${document.slice(0, from + begin.length)}\n\n${configTable()}\n\n${document.slice(to)}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

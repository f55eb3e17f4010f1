import type { Log } from '@trunkline/core'
import { pino } from 'pino'
import { z } from 'zod'
import { cleanFields, cleanText } from './log-clean.ts'

export { maskAddress } from './log-clean.ts'

export interface LogParts {
  level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** Lines for people instead of JSON. */
  pretty: boolean
  /** Where the lines go; the standard output if not given. */
  destination?: { write(line: string): unknown }
}

/**
 * The engine's log, over pino: one JSON object per line with an ISO time. Only fields on the allow-list are written, addresses are
 * masked, and errors lose what may hold a secret (hardening.md §2): a caller cannot log a body by mistake.
 */
export function createLog({ level, pretty, destination = process.stdout }: LogParts): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label: string) => ({ level: label }) } }
  const out = pino(
    options,
    pretty ? { write: (line: string) => void destination.write(forPeople(line)) } : { write: (line: string) => void destination.write(line) },
  )
  return {
    debug(fields, message) {
      if (out.isLevelEnabled('debug')) out.debug(cleanFields(fields), cleanText(message))
    },
    info(fields, message) {
      if (out.isLevelEnabled('info')) out.info(cleanFields(fields), cleanText(message))
    },
    warn(fields, message) {
      if (out.isLevelEnabled('warn')) out.warn(cleanFields(fields), cleanText(message))
    },
    error(fields, message) {
      if (out.isLevelEnabled('error')) out.error(cleanFields(fields), cleanText(message))
    },
  }
}

const written = z.looseObject({
  level: z.string(),
  time: z.string(),
  msg: z.string().default(''),
  error: z.looseObject({ type: z.string(), message: z.string(), stack: z.string().optional() }).optional(),
})
const colors: Record<string, string> = { error: '\u001b[31m', warn: '\u001b[33m', debug: '\u001b[2m' }

/** A dozen lines of our own instead of pino-pretty and its thirteen dependencies: time, level, message, fields, stack. */
function forPeople(line: string): string {
  const { level, time, msg, error, ...fields } = written.parse(JSON.parse(line))
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const told = error ? ` error=${error.type}: ${error.message}${error.stack ? `\n    ${error.stack.replaceAll('\n', '\n    ')}` : ''}` : ''
  return `${time.slice(11, 23)} ${colors[level] ?? ''}${level.padEnd(5)}\u001b[0m ${msg}\u001b[2m${rest.join('')}\u001b[0m${told}\n`
}

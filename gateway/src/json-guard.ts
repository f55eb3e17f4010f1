import type { Issue } from '@trunkline/core'

const depthMax = 10

/** Names that reach a prototype, or that a document database reads as an operator. */
function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype' || key.charCodeAt(0) === 36
}

/** NUL and lone surrogates have no place in a PostgreSQL text column, nor in UTF-8. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/**
 * Looks through a parsed body for what no field may hold, whatever the schema says: keys that are dangerous, text that cannot be
 * stored, nesting beyond 10 levels. Returns the first fault, or null.
 */
export function findFault(value: unknown, depth = 1): Issue | null {
  if (typeof value === 'string') return isStorable(value) ? null : { path: '', message: 'holds a NUL or a lone surrogate' }
  if (typeof value !== 'object' || value === null) return null
  if (depth > depthMax) return { path: '', message: `is nested deeper than ${depthMax} levels` }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const fault = findFault(value[i], depth + 1)
      if (fault) return below(String(i), fault)
    }
    return null
  }
  for (const [key, inner] of Object.entries(value)) {
    if (isForbiddenKey(key)) return { path: key.slice(0, 200), message: 'this name is not allowed' }
    if (!isStorable(key)) return { path: '', message: 'a name holds a NUL or a lone surrogate' }
    const fault = findFault(inner, depth + 1)
    if (fault) return below(key, fault)
  }
  return null
}

function below(key: string, fault: Issue): Issue {
  return { path: (fault.path === '' ? key : `${key}.${fault.path}`).slice(0, 200), message: fault.message }
}

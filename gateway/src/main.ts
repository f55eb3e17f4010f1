import { enableCompileCache } from 'node:module'

// Keeps what Node makes of the TypeScript, outside the repository: the second start is faster and lighter than the first.
enableCompileCache()
await import('./serve.ts')

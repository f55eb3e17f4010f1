import { enableCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'

// What Node makes of the TypeScript is kept outside the repository: the second start is faster and lighter than the first.
enableCompileCache()
// Loading code leaves garbage for which the heap would grow and stay grown (25 MB here): it may grow when there is work.
setFlagsFromString('--semi-space-growth-factor=1')
await import('./serve.ts')
setFlagsFromString('--semi-space-growth-factor=2')

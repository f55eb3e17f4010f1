import { bluebubbles } from './bluebubbles.ts'
import { sandbox } from './sandbox.ts'
import { smtp } from './smtp.ts'
import type { TransportKind } from './transport.ts'

/** What a line may name without any plugin. */
export const builtInKinds: readonly TransportKind[] = [sandbox, bluebubbles, smtp]

export { type FakeBlueBubbles, startFakeBlueBubbles } from './bluebubbles.ts'
export type { LedgerEntry, Rule, Script } from './bluebubbles-state.ts'
export { type Cut, type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts'
export { type FakeSmtp, type SmtpLedgerEntry, type SmtpMoment, type SmtpReply, startFakeSmtp } from './smtp.ts'

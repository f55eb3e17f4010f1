/** What an operator would alert on. Labels are few and bounded: never an id, an address or a workspace. */
export interface Metrics {
  /** A message reached this status. */
  message(status: string, channel: string): void
  /** A message was put off for this reason. */
  held(reason: string): void
  /** One call to a channel: `op` is send, check, lookup or checkup; `outcome` the arm of its answer. */
  vendor(transport: string, op: string, outcome: string, ms: number): void
  /** One attempt to deliver an event; `consumer` is `webhook` or `plugin:<id>`. */
  delivery(consumer: string, outcome: string, ms: number): void
  /** From acceptance to the answer of the channel. */
  latency(stage: 'accepted_to_sent' | 'event_to_delivered', ms: number): void
  /** Something the sweeper had to bring again. */
  swept(kind: string, count: number): void
}

export const noMetrics: Metrics = { message() {}, held() {}, vendor() {}, delivery() {}, latency() {}, swept() {} }

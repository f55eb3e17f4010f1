/** What a bridge said about one address. */
export interface Answer {
  readonly address: string
  readonly available: boolean
  readonly checkedAt: Date
  /** After this it has to be asked again. */
  readonly expiresAt: Date
  /** The line that asked. */
  readonly lineId: string
}

export interface AvailabilityStore {
  /** Answers that are there, fresh or not. */
  get(workspaceId: string, addresses: readonly string[]): Promise<Answer[]>
  /** Keeps the newer of the stored and the given one. */
  put(workspaceId: string, answer: Answer): Promise<void>
  remove(workspaceId: string, addresses: readonly string[]): Promise<void>
  prune(expiredBefore: Date): Promise<void>
}

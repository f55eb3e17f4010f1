/** When a device may act next. One document per device; booked by compare-and-set. */
export interface Pace {
  readonly workspaceId: string
  readonly deviceKey: string
  readonly version: number
  readonly nextSendAt: Date | null
  readonly nextCheckAt: Date | null
}

export function freshPace(workspaceId: string, deviceKey: string): Pace {
  return { workspaceId, deviceKey, version: 0, nextSendAt: null, nextCheckAt: null }
}

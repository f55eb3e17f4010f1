import type { Outboxes } from '../event/event.ts'
import type { Channel } from '../message/message.ts'
import type { Ledger } from './ledger.ts'
import type { Line } from './line.ts'
import type { Pace } from './pacing.ts'

export interface LineStore extends Outboxes {
  insert(line: Line): Promise<boolean>
  get(workspaceId: string, id: string): Promise<Line | null>
  /** For a bridge's call, which names no workspace: the caller must check the hook secret next. */
  byHook(id: string): Promise<Line | null>
  /** Every line of a workspace, oldest first. */
  list(workspaceId: string, channel?: Channel): Promise<Line[]>
  /** Active lines of all workspaces, by id, for health checks. */
  active(afterId: string | null, limit: number): Promise<Line[]>
  commit(line: Line): Promise<boolean>
  remove(workspaceId: string, id: string): Promise<boolean>

  /** The line's ledger of places; a fresh one (version 0) when there is none yet. */
  ledger(workspaceId: string, lineId: string): Promise<Ledger>
  /** Compare-and-set on `version`; version 0 inserts. False on conflict. */
  commitLedger(ledger: Ledger): Promise<boolean>
  /** The pace of a device; a fresh one (version 0) when there is none yet. */
  pace(workspaceId: string, deviceKey: string): Promise<Pace>
  commitPace(pace: Pace): Promise<boolean>
}

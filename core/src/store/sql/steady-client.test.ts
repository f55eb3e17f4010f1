import { describe, expect, it } from 'vitest'
import { SteadyClient } from './steady-client.ts'

describe('a client of PostgreSQL', () => {
  it('hears of its lost connection itself, so that nobody has to', () => {
    const client = new SteadyClient()
    expect(() => client.emit('error', new Error('Connection terminated unexpectedly'))).not.toThrow()
  })
})

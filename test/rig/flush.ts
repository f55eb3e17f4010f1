import { once } from 'node:events'
import { connect } from 'node:net'

/** Empties a Redis on the loopback, as somebody at its console would. Resolves when it has said OK. */
export async function flushAll({ port }: { port: number }): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.write('FLUSHALL\r\n')
  const [said] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  if (!said.toString().startsWith('+OK')) throw new Error(`Redis said ${said.toString()}`)
}

// By hand, where the receiver stands: a socket in its folder, which only the receiver's own user can open.

import { rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

const LINE = /^(?:(play) ([1-9]\d?)|(tone)|(stop))\n$/

export function listenByHand (folder, act) {
  const path = join(folder, 'hand.sock')
  rmSync(path, { force: true })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      const [, play, number, tone, stop] = LINE.exec(bytes.toString()) ?? []
      const word = play ?? tone ?? stop
      socket.end(word ? `${act(word, Number(number))}\n` : 'play NUMBER, tone or stop\n')
    })
  })
  server.on('error', (error) => console.error(`nothing can be played by hand: ${error.message}`))
  server.listen(path)
  server.unref()
}

export function askByHand (folder, words) {
  const socket = connect(join(folder, 'hand.sock'), () => socket.write(`${words.join(' ')}\n`))
  socket.on('error', (error) => {
    console.error(`no receiver runs on this folder: ${error.message}`)
    process.exitCode = 1
  })
  socket.pipe(process.stdout)
}

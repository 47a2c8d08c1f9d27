// Signatures: JWS with Ed25519 (RFC 7515, RFC 9864), as strict as the protocol wants it, and nothing more of JWS.

import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'

/** A message that is not obeyed; `why` is the journal's word for it. */
export class Refusal extends Error {
  constructor (why, detail = {}) {
    super(why)
    this.why = why
    this.detail = detail
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The object in a JSON text; throws the refusal `why` where there is none. */
export function readObject (bytes, why = 'shape') {
  try {
    const value = JSON.parse(typeof bytes === 'string' ? bytes : utf8.decode(bytes))
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
  }
  throw new Refusal(why)
}

function decode64 (text) {
  const bytes = Buffer.from(String(text), 'base64url')
  // Node skips what is no base64url: only a text that comes out the same again was wholly read.
  if (typeof text !== 'string' || bytes.toString('base64url') !== text) throw new Refusal('shape')
  return bytes
}

/** The header, checked against the one kind of signature there is: `alg` is never taken from the message. */
function readHeader (text, typ) {
  const header = readObject(decode64(text))
  if (header.typ !== typ || typeof header.kid !== 'string') throw new Refusal('shape')
  if (header.alg !== 'Ed25519') throw new Refusal('bad_sig')
  if ('crit' in header) throw new Refusal('bad_sig') // an extension we do not know must not be ignored
  return header
}

/** Takes a compact JWS apart; nothing of it is proven before `isSignedBy(x)`. */
export function openCompact (text, typ) {
  const parts = text.split('.')
  if (parts.length !== 3) throw new Refusal('shape')
  return signedPart(parts[0], parts[1], parts[2], typ)
}

/** Takes a general JSON JWS apart: its payload and its signatures, at most sixteen. */
export function openGeneral (text, typ) {
  const { payload, signatures } = readObject(text)
  if (!Array.isArray(signatures) || signatures.length < 1 || signatures.length > 16) throw new Refusal('shape')
  const parts = signatures.map((one) => {
    if (!one || 'header' in one) throw new Refusal('shape') // everything is protected, or it is refused
    return signedPart(one.protected, payload, one.signature, typ)
  })
  return { payload: decode64(payload), signatures: parts }
}

function signedPart (protectedText, payloadText, signatureText, typ) {
  const { kid } = readHeader(protectedText, typ)
  const payload = decode64(payloadText)
  const signature = decode64(signatureText)
  const signed = Buffer.from(`${protectedText}.${payloadText}`)
  return { kid, payload, isSignedBy: (x) => signature.length === 64 && verify(null, signed, publicKey(x), signature) }
}

const publicKey = (x) => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex') // what stands before a seed in RFC 8410

/** The receiver's own pen, from its 32 bytes of seed: `sign(typ, payload text)` gives a compact JWS. */
export function signer (kid, seed) {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  return (typ, payload) => {
    const header = Buffer.from(JSON.stringify({ alg: 'Ed25519', kid, typ })).toString('base64url')
    const signed = `${header}.${Buffer.from(payload).toString('base64url')}`
    return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`
  }
}

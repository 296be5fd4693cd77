// The record in memory: columns, as they come from the Parquet files of the days.

import { parquetMetadata, parquetRead } from 'hyparquet'
import { fold, plain } from './text'

export interface Listing {
  version: string
  format: string
  names: Record<string, string>
  digests: string[]
  /** Day, number of statements, what its script was made from; the latest first. */
  days: [string, number, string][]
}

export type Correction = [statement: string, kind: string, instead: string | null, at: number]

/** A column of few values: a code a row, the values by code. */
export class Coded {
  readonly values: string[] = []
  readonly codes: Uint32Array
  private readonly known = new Map<string, number>()

  constructor(size: number) { this.codes = new Uint32Array(size) }

  code(value: string): number {
    let code = this.known.get(value)
    if (code === undefined) {
      code = this.values.length
      this.values.push(value)
      this.known.set(value, code)
    }
    return code
  }

  /** The code of a value that may not be there: -1. */
  find(value: string): number { return this.known.get(value) ?? -1 }
}

const TEXTS = ['statement_id', 'article_id', 'claim_id', 'content', 'context', 'cue', 'nested', 'title',
  'url', 'reasons', 'earlier_statement_id', 'earlier_claim_id'] as const
const NUMBERS = ['published_at', 'first_seen_at', 'said_on', 'revision', 'about_topic', 'is_old', 'in_title',
  'backlog', 'confidence', 'score'] as const
const CODED = ['figure_id', 'act', 'relation', 'outlet', 'outlet_kind', 'voice', 'language'] as const

const OPENS = new Set(['new', 'changed', 'contradicts', 'uncertain'])

export class OnRecord {
  n = 0
  readonly text = {} as Record<typeof TEXTS[number], string[]>
  readonly number = {} as Record<typeof NUMBERS[number], Float64Array>
  readonly coded = {} as Record<typeof CODED[number], Coded>
  /** Each row's set of sub-topics, and the codes of sub-topics in each set. */
  readonly topicSet: Coded
  readonly topicsOf: number[][] = []
  readonly topic = new Coded(0)
  readonly names = new Map<string, string>()
  readonly folded: string[] = []
  readonly days: string[] = []
  readonly dayOf: Uint32Array
  readonly row = new Map<string, number>()
  readonly claims = new Map<string, number[]>()
  /** The claims that were compared with a claim when they were opened. */
  readonly later = new Map<string, string[]>()
  readonly corrections = new Map<string, Correction>()

  constructor(size: number) {
    for (const name of TEXTS) this.text[name] = []
    for (const name of NUMBERS) this.number[name] = new Float64Array(size)
    for (const name of CODED) this.coded[name] = new Coded(size)
    this.topicSet = new Coded(size)
    this.dayOf = new Uint32Array(size)
  }

  /** Add the rows of a day. Throws where the bytes are no Parquet file of the explorer. */
  async add(day: string, corrections: Correction[], parquet: ArrayBuffer): Promise<void> {
    const held: Record<string, ArrayLike<unknown>> = {}
    const metadata = parquetMetadata(parquet)
    const rows = Number(metadata.num_rows)
    await parquetRead({
      file: { byteLength: parquet.byteLength, slice: (start, end) => parquet.slice(start, end) },
      metadata,
      parsers: { stringFromBytes },
      onChunk: chunk => { held[chunk.columnName] = chunk.columnData },
    })
    for (const one of corrections) this.corrections.set(one[0], one)
    if (!rows) return
    const first = this.n
    for (const name of TEXTS) {
      const from = held[name] as ArrayLike<string | null>, to = this.text[name]
      for (let i = 0; i < rows; i++) to.push(from[i] ?? '')
    }
    for (const name of NUMBERS) {
      const from = held[name] as ArrayLike<number | null>, to = this.number[name]
      for (let i = 0; i < rows; i++) to[first + i] = from[i] ?? NaN
    }
    for (const name of CODED) {
      const from = held[name] as ArrayLike<string>, to = this.coded[name]
      for (let i = 0; i < rows; i++) to.codes[first + i] = to.code(from[i])
    }
    const figures = held.figure as ArrayLike<string>, ids = held.figure_id as ArrayLike<string>
    const topics = held.subtopics as ArrayLike<string>
    const nth = this.days.push(day) - 1
    for (let i = 0; i < rows; i++) {
      const row = first + i
      if (!this.names.has(ids[i])) this.names.set(ids[i], plain(figures[i]).slice(0, 80))
      const set = this.topicSet.code(topics[i])
      this.topicSet.codes[row] = set
      this.topicsOf[set] ??= topics[i].split(' ').filter(Boolean).map(one => this.topic.code(one))
      this.dayOf[row] = nth
      this.folded.push(fold(`${this.text.content[row]}\n${figures[i]}\n${this.text.title[row]}`))
      this.row.set(this.text.statement_id[row], row)
      const claim = this.text.claim_id[row]
      const members = this.claims.get(claim)
      if (members) members.push(row)
      else this.claims.set(claim, [row])
      const before = this.text.earlier_claim_id[row]
      if (before && before !== claim && OPENS.has(this.value('relation', row))) {
        const after = this.later.get(before)
        if (!after) this.later.set(before, [claim])
        else if (!after.includes(claim)) after.push(claim)
      }
    }
    this.n = first + rows
  }

  value(name: typeof CODED[number], row: number): string {
    const column = this.coded[name]
    return column.values[column.codes[row]]
  }

  figure(row: number): string { return this.names.get(this.value('figure_id', row)) ?? '' }

  topics(row: number): string[] {
    return this.topicsOf[this.topicSet.codes[row]].map(code => this.topic.values[code])
  }

  /** The statements that make a claim, in the order in which they were seen. */
  members(claim: string): number[] {
    const { first_seen_at: seen, published_at: published } = this.number
    return [...this.claims.get(claim) ?? []].sort((a, b) =>
      seen[a] - seen[b] || published[a] - published[b] || (this.text.statement_id[a] < this.text.statement_id[b] ? -1 : 1))
  }

  /** The statement that opened a claim; -1 where none of the claim is here. */
  opener(claim: string): number {
    const members = this.members(claim)
    return members.find(row => OPENS.has(this.value('relation', row))) ?? members[0] ?? -1
  }

  /** The claims before this one, the earliest first, as each names the one before it. */
  before(claim: string): string[] {
    const found: string[] = []
    for (let at = claim; found.length < 50;) {
      const row = this.opener(at)
      const earlier = row < 0 ? '' : this.text.earlier_claim_id[row]
      if (!earlier || earlier === claim || found.includes(earlier) || !this.claims.has(earlier)) break
      found.unshift(earlier)
      at = earlier
    }
    return found
  }

  /** The claims after this one: those that name it, and those that name them. */
  after(claim: string): string[] {
    const found: string[] = []
    const wait = [claim]
    for (let at = wait.shift(); at !== undefined && found.length < 50; at = wait.shift()) {
      for (const one of this.later.get(at) ?? []) {
        if (one !== claim && !found.includes(one)) { found.push(one); wait.push(one) }
      }
    }
    const seen = (one: string): number => this.number.first_seen_at[this.opener(one)]
    return found.sort((a, b) => seen(a) - seen(b))
  }
}

const utf8 = new TextDecoder()

/** Short ASCII, as ids are, without the way through the decoder, which is slow for it. */
function stringFromBytes(bytes: Uint8Array): string {
  if (bytes.length > 64) return utf8.decode(bytes)
  for (let i = 0; i < bytes.length; i++) if (bytes[i] > 127) return utf8.decode(bytes)
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}

/** The bytes in Base64 of gzip. */
function unpacked(base64: string): Promise<ArrayBuffer> {
  const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64
  let packed: Uint8Array<ArrayBuffer>
  if (native) packed = native(base64)
  else {
    const text = atob(base64)
    packed = new Uint8Array(text.length)
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i)
  }
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()
}

const AT_ONCE = 4

/**
 * Load the script of each day, the latest first, and add it to the record.
 * `tell` hears after each day; a day that cannot be read is named, and the rest goes on.
 */
export function load(listing: Listing, record: OnRecord, tell: (read: number, faults: string[]) => void): void {
  const waiting = listing.days.filter(day => day[1] >= 0)
  const faults: string[] = []
  let read = 0
  let chain = Promise.resolve()
  const held = (window as unknown as { onrecord: Record<string, unknown> }).onrecord
  const next = (): void => {
    const one = waiting.shift()
    if (!one) return
    const [day, , source] = one
    const script = document.createElement('script')
    script.src = `days/${day}.js?${source}`
    script.async = true
    const done = (fault?: string): void => {
      script.remove()
      if (fault) faults.push(fault)
      chain = chain.then(() => { read++; tell(read, faults) })
      next()
    }
    script.onload = () => done()
    script.onerror = () => done(day)
    document.head.append(script)
  }
  held.day = (day: string, corrections: Correction[], base64: string) => {
    const parquet = unpacked(base64)
    parquet.catch(() => {}) // told in its turn, below
    chain = chain
      .then(async () => record.add(day, corrections, await parquet))
      .catch(error => { console.error(day, error); faults.push(day) })
  }
  for (let i = 0; i < AT_ONCE; i++) next()
  if (!listing.days.length) tell(0, [])
}

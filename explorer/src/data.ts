// The record in memory: columns, as they come from the scripts of the days.

import { fold, plain } from './text'

export interface Listing {
  version: string
  format: string
  names: Record<string, string>
  digests: string[]
  /** How many days are published, the first and the last of them. */
  days: [number, string, string]
  /** Day or month, number of statements, what its scripts were made from; the latest first. */
  parts: [string, number, string][]
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

const SEPARATOR = '\x1f'

/** A column of texts: those of a part are one string, cut when one of them is asked for. */
export class Texts {
  private readonly held: (string | string[])[] = []
  private readonly folded: string[] = []
  private readonly ends: Uint32Array[] = []

  constructor(private readonly record: OnRecord) {}

  put(part: number, joined: string): void { this.held[part] = joined }

  at(row: number): string {
    const part = this.record.partOf[row]
    return this.of(part)[row - this.record.firsts[part]]
  }

  /** Those of a part, in the order of its rows. */
  of(part: number): string[] {
    const held = this.held[part]
    if (typeof held !== 'string') return held ?? []
    return (this.held[part] = held.split(SEPARATOR))
  }

  /** The texts of a part, folded for a search and still one string. */
  fold(part: number): string {
    const held = this.held[part]
    return this.folded[part] ??= narrow(fold(typeof held === 'string' ? held : held.join(SEPARATOR)))
  }

  /** Do at once for a part what the first search and the first list would do. */
  ready(part: number): void {
    this.ends[part] ??= endsOf(this.fold(part))
    this.of(part)
  }

  /** Set `found` at those of the rows `among` whose folded text holds a word. */
  mark(word: string, found: Uint8Array, among: Uint8Array): void {
    for (let part = 0; part < this.held.length; part++) {
      const text = this.fold(part)
      const ends = this.ends[part] ??= endsOf(text)
      const first = this.record.firsts[part]
      let asked = 0
      for (let row = 0; row < ends.length; row++) asked += among[first + row]
      if (asked < ends.length / 16) { // few are looked at one by one
        for (let row = 0; asked && row < ends.length; row++) {
          if (!among[first + row]) continue
          asked--
          if (text.slice(row && ends[row - 1] + 1, ends[row]).includes(word)) found[first + row] = 1
        }
        continue
      }
      for (let row = 0, at = text.indexOf(word); at >= 0 && row < ends.length; at = text.indexOf(word, ends[row++])) {
        while (ends[row] <= at) row++
        found[first + row] = 1
      }
    }
  }
}

/** The same text, in one byte a letter where that is enough: half as much to search. */
const narrow = (text: string): string => /^[\x00-\x7f]*$/.test(text) ? new TextDecoder().decode(new TextEncoder().encode(text)) : text

/** Where each of the joined texts ends. */
function endsOf(joined: string): Uint32Array {
  const ends: number[] = []
  for (let at = joined.indexOf(SEPARATOR); at >= 0; at = joined.indexOf(SEPARATOR, at + 1)) ends.push(at)
  ends.push(joined.length)
  return Uint32Array.from(ends)
}

const LISTED = ['statement_id', 'claim_id', 'content', 'cue', 'title', 'earlier_statement_id', 'earlier_claim_id'] as const
const OPENED = ['article_id', 'context', 'nested', 'url', 'reasons'] as const
const NUMBERS = ['published_at', 'first_seen_at', 'about_topic', 'backlog'] as const
const NUMBERS_OPENED = ['said_on', 'revision', 'is_old', 'in_title', 'confidence', 'score'] as const
const CODED = ['figure_id', 'act', 'relation', 'outlet', 'outlet_kind', 'voice', 'language'] as const

type Text = typeof LISTED[number] | typeof OPENED[number]
type Numeric = typeof NUMBERS[number] | typeof NUMBERS_OPENED[number]

/** What `pipeline/site/explorer.py` writes of a part, a day or a month: for lists, and for what is opened. */
interface Opened {
  text: Record<string, string>
  number: Record<string, (number | null)[]>
}
interface Listed extends Opened {
  coded: Record<string, [values: string[], codes: number[]]>
  figures: Record<string, string>
}

const OPENS = new Set(['new', 'changed', 'contradicts', 'uncertain'])

export class OnRecord {
  n = 0
  readonly text = {} as Record<Text, Texts>
  readonly number = {} as Record<Numeric, Float64Array>
  readonly coded = {} as Record<typeof CODED[number], Coded>
  /** Each row's set of sub-topics, and the codes of sub-topics in each set. */
  readonly topicSet: Coded
  readonly topicsOf: number[][] = []
  readonly topic = new Coded(0)
  readonly names = new Map<string, string>()
  readonly parts: string[] = []
  /** The first row of each part, and the part of each row. */
  readonly firsts: number[] = []
  readonly partOf: Uint32Array
  readonly corrections = new Map<string, Correction>()
  private readonly opened: boolean[] = []
  private settled = 0
  private linked = 0
  private readonly rows = new Map<string, number>()
  private readonly claims = new Map<string, number[]>()
  /** The claims that were compared with a claim when they were opened. */
  private readonly later = new Map<string, string[]>()

  constructor(size: number) {
    for (const name of [...LISTED, ...OPENED]) this.text[name] = new Texts(this)
    for (const name of [...NUMBERS, ...NUMBERS_OPENED]) this.number[name] = new Float64Array(size)
    for (const name of CODED) this.coded[name] = new Coded(size)
    this.topicSet = new Coded(size)
    this.partOf = new Uint32Array(size)
  }

  /** Add the rows of a part. */
  add(part: string, corrections: Correction[], rows: number, listed: Listed): void {
    for (const one of corrections) this.corrections.set(one[0], one)
    if (!rows) return
    const first = this.n
    const nth = this.parts.push(part) - 1
    this.firsts.push(first)
    this.partOf.fill(nth, first, first + rows)
    this.put(nth, LISTED, NUMBERS, listed)
    for (const name of CODED) coded(this.coded[name], listed.coded[name], first)
    coded(this.topicSet, listed.coded.subtopics, first)
    for (let set = this.topicsOf.length; set < this.topicSet.values.length; set++) {
      this.topicsOf.push(this.topicSet.values[set].split(' ').filter(Boolean).map(one => this.topic.code(one)))
    }
    for (const [id, name] of Object.entries(listed.figures)) {
      if (!this.names.has(id)) this.names.set(id, plain(name).slice(0, 80))
    }
    this.n = first + rows
  }

  private put(nth: number, texts: readonly Text[], numbers: readonly Numeric[], held: Opened): void {
    for (const name of texts) this.text[name].put(nth, held.text[name])
    for (const name of numbers) {
      const from = held.number[name], to = this.number[name], first = this.firsts[nth]
      for (let i = 0; i < from.length; i++) to[first + i] = from[i] ?? NaN
    }
  }

  /** Whether what only an opened statement shows has been read for a row. */
  isOpen(row: number): boolean { return !!this.opened[this.partOf[row]] }

  /** Read what only opened statements show, for all parts of these rows. */
  async open(rows: ArrayLike<number>): Promise<void> {
    const parts = new Set<number>()
    for (let i = 0; i < rows.length; i++) parts.add(this.partOf[rows[i]])
    for (const nth of parts) {
      if (this.opened[nth]) continue
      this.put(nth, OPENED, NUMBERS_OPENED, await more(this.parts[nth]))
      this.opened[nth] = true
    }
  }

  /**
   * Make ready for a search the next part that is not, then bring together what names
   * another row in the next that is not; false when all is done.
   */
  settle(): boolean {
    if (this.settled < this.parts.length) {
      for (const name of ['content', 'title'] as const) this.text[name].ready(this.settled)
      this.settled++
      return true
    }
    return this.link()
  }

  private link(): boolean {
    const nth = this.linked
    if (nth >= this.parts.length) return false
    this.linked++
    const first = this.firsts[nth]
    const { statement_id: ids, claim_id: claims, earlier_claim_id: earlier } = this.text
    const befores = earlier.of(nth), said = ids.of(nth)
    claims.of(nth).forEach((claim, i) => {
      const row = first + i
      this.rows.set(said[i], row)
      const members = this.claims.get(claim)
      if (members) members.push(row)
      else this.claims.set(claim, [row])
      const before = befores[i]
      if (before && before !== claim && OPENS.has(this.value('relation', row))) {
        const after = this.later.get(before)
        if (!after) this.later.set(before, [claim])
        else if (!after.includes(claim)) after.push(claim)
      }
    })
    return true
  }

  private linkAll(): void { while (this.link()); }

  /** The row of a statement; undefined where it is not here. */
  row(statement: string): number | undefined {
    this.linkAll()
    return this.rows.get(statement)
  }

  has(claim: string): boolean {
    this.linkAll()
    return this.claims.has(claim)
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
    this.linkAll()
    return [...this.claims.get(claim) ?? []].sort((a, b) =>
      seen[a] - seen[b] || published[a] - published[b] || (this.text.statement_id.at(a) < this.text.statement_id.at(b) ? -1 : 1))
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
      const earlier = row < 0 ? '' : this.text.earlier_claim_id.at(row)
      if (!earlier || earlier === claim || found.includes(earlier) || !this.has(earlier)) break
      found.unshift(earlier)
      at = earlier
    }
    return found
  }

  /** The claims after this one: those that name it, and those that name them. */
  after(claim: string): string[] {
    this.linkAll()
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

function coded(to: Coded, [values, codes]: [string[], number[]], first: number): void {
  const known = values.map(value => to.code(value))
  for (let i = 0; i < codes.length; i++) to.codes[first + i] = known[codes[i]]
}

/** What is JSON in gzip in Base64. */
function unpacked<T>(base64: string): Promise<T> {
  const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64
  let packed: Uint8Array<ArrayBuffer>
  if (native) packed = native(base64)
  else {
    const text = atob(base64)
    packed = new Uint8Array(text.length)
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i)
  }
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).json() as Promise<T>
}

/** What scripts call: the page has no other way to read what lies beside it. */
const hook = (window as unknown as { onrecord: Record<string, unknown> }).onrecord ??= {}

function script(name: string): Promise<void> {
  return new Promise((done, failed) => {
    const one = document.createElement('script')
    one.src = `days/${name}`
    one.async = true
    one.onload = () => { one.remove(); done() }
    one.onerror = () => { one.remove(); failed(new Error(`days/${name.split('?')[0]} could not be read`)) }
    document.head.append(one)
  })
}

const asked = new Map<string, Promise<Opened>>()
const sources = new Map<string, string>()

/** What a part holds for opened statements; asked for once. */
function more(part: string): Promise<Opened> {
  let found = asked.get(part)
  if (!found) {
    found = new Promise<Opened>((done, failed) => {
      waiting.set(part, done)
      script(`${part}.more.js?${sources.get(part)}`).then(() => { if (waiting.has(part)) failed(new Error(`days/${part}.more.js holds something else`)) }, failed)
    })
    asked.set(part, found)
    found.catch(() => asked.delete(part)) // a second click asks again
  }
  return found
}

const waiting = new Map<string, (opened: Promise<Opened>) => void>()
hook.more = (part: string, base64: string) => {
  waiting.get(part)?.(unpacked<Opened>(base64))
  waiting.delete(part)
}

const AT_ONCE = 4

/**
 * Load the script of each part, the latest first, and add it to the record.
 * `tell` hears after each part; one that cannot be read is named, and the rest goes on.
 */
export function load(listing: Listing, record: OnRecord, tell: (read: number, faults: string[]) => void): void {
  const faults: string[] = []
  const coming = listing.parts.slice()
  let read = 0
  let chain = Promise.resolve()
  const next = async (): Promise<void> => {
    const one = coming.shift()
    if (!one) return
    const [part, , source] = one
    sources.set(part, source)
    const fault = await script(`${part}.js?${source}`).then(() => '', () => part)
    if (fault) faults.push(fault)
    chain = chain.then(() => { read++; tell(read, faults) })
    void next()
  }
  hook.part = (part: string, corrections: Correction[], rows: number, listed: string) => {
    const columns = unpacked<Listed>(listed)
    columns.catch(() => {}) // told in its turn, below
    chain = chain
      .then(async () => record.add(part, corrections, rows, await columns))
      .catch(error => { console.error(part, error); faults.push(part) })
  }
  for (let i = 0; i < AT_ONCE; i++) void next()
  if (!listing.parts.length) tell(0, [])
}

// Values said in words, and text from outside made fit to be shown and searched.

export const LABELS: Record<string, string> = {
  new: 'New', changed: 'Changed', contradicts: 'Contradicts', uncertain: 'Perhaps new',
  repeated: 'Said again', rereported: 'Reported again',
}
export const SENTENCES: Record<string, string> = {
  new: 'nothing like it on record', changed: 'differs from what was said before',
  contradicts: 'against what was said before', uncertain: 'part of it was said before',
  repeated: 'on another occasion', rereported: 'another report of the same occasion',
}
export const ACTS: Record<string, string> = {
  asserts: 'asserts', denies: 'denies', threatens: 'threatens', promises: 'promises',
  'calls-for': 'calls for', accuses: 'accuses', predicts: 'predicts', other: 'says',
  attitude: 'is described',
}
export const KINDS: Record<string, string> = {
  public: 'public broadcaster', 'state-funded': 'state-funded', state: 'state media',
  official: 'official source',
}
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August',
  'September', 'October', 'November', 'December']
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** A slug as words: 'peace-talks' is 'peace talks'. */
export const slugWords = (slug: string): string => slug.replace(/[-_]/g, ' ')

/** Marks that steer the direction of what follows, and control marks, taken out. */
export const plain = (text: string): string => text
  .replace(/[\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
  .replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ')

/** At most so many characters, cut at a blank where one is near. */
export function short(text: string, most: number): string {
  if (text.length <= most) return text
  const cut = text.slice(0, most - 1)
  const blank = cut.lastIndexOf(' ')
  return `${cut.slice(0, blank > most * 0.8 ? blank : cut.length).trimEnd()}…`
}

const SAME: Record<string, string> = { ı: 'i' }
for (const one of '‘’ʼ') SAME[one] = "'"
for (const one of '“”«»„') SAME[one] = '"'
for (const one of '‐‑‒–—―') SAME[one] = '-'

/** Without letter case, accents, kinds of quotation marks and dashes: what a search compares. */
export const fold = (text: string): string => {
  const low = text.toLowerCase()
  return /^[\x00-\x7f]*$/.test(low) ? low
    : low.normalize('NFKD').replace(/[\u0300-\u036f‘’ʼ“”«»„‐-―ı]/g, one => SAME[one] ?? '')
}

/** The address, if it is one of the web that a person may follow. */
export const link = (url: string): string =>
  url.length <= 500 && /^https?:\/\/[\w.-]+(:\d{1,5})?([/?#][^\s<>"'`\\]*)?$/.test(url) && plain(url) === url ? url : ''

const NUMBER = new Intl.NumberFormat('en')
export const grouped = (n: number): string => NUMBER.format(n)
export const count = (n: number, noun: string): string => `${grouped(n)} ${noun}${n === 1 ? '' : 's'}`

const of = (minutes: number): Date => new Date(minutes * 60000)
export const isoDay = (minutes: number): string => of(minutes).toISOString().slice(0, 10)
export const isoMoment = (minutes: number): string => `${of(minutes).toISOString().slice(0, 16)}Z`
export const clock = (minutes: number): string => `${of(minutes).toISOString().slice(11, 16)} UTC`
export const longDay = (minutes: number): string => {
  const day = of(minutes)
  return `${WEEKDAYS[day.getUTCDay()]}, ${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`
}
export const shortDay = (minutes: number): string => {
  const day = of(minutes)
  return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()].slice(0, 3)} ${day.getUTCFullYear()}`
}
export const shortMonth = (minutes: number): string => {
  const day = of(minutes)
  return `${MONTHS[day.getUTCMonth()].slice(0, 3)} ${day.getUTCFullYear()}`
}
/** Minutes since 1970 at the start of an ISO day; NaN where it is none. */
export const minutesOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 60000

export interface Piece { text: string, differs: boolean }

/**
 * Both texts in pieces, what the other does not have marked: longest common
 * subsequence of words, letter case aside. Texts with little in common, or very long
 * ones, come back unmarked.
 */
export function differences(before: string, after: string): [Piece[], Piece[]] {
  const a = before.match(/\w+(?:[.,:'’-]\w+)*|[^\w\s]|\s+/gu) ?? []
  const b = after.match(/\w+(?:[.,:'’-]\w+)*|[^\w\s]|\s+/gu) ?? []
  const whole: [Piece[], Piece[]] = [[{ text: before, differs: false }], [{ text: after, differs: false }]]
  if (a.length * b.length > 250_000) return whole
  const x = a.map(t => t.toLowerCase()), y = b.map(t => t.toLowerCase())
  const w = y.length + 1
  const best = new Uint16Array((x.length + 1) * w)
  for (let i = x.length - 1; i >= 0; i--) {
    for (let j = y.length - 1; j >= 0; j--) {
      best[i * w + j] = x[i] === y[j] ? best[(i + 1) * w + j + 1] + 1
        : Math.max(best[(i + 1) * w + j], best[i * w + j + 1])
    }
  }
  const left = x.map(() => true), right = y.map(() => true)
  let common = 0
  for (let i = 0, j = 0; i < x.length && j < y.length;) {
    if (x[i] === y[j]) {
      if (/\w/.test(x[i])) common++
      left[i++] = right[j++] = false
    } else if (best[(i + 1) * w + j] >= best[i * w + j + 1]) i++
    else j++
  }
  const said = (tokens: string[]): number => tokens.filter(t => /\w/.test(t)).length
  if (2 * common < 0.4 * (said(x) + said(y))) return whole
  return [runs(a, left), runs(b, right)]
}

function runs(tokens: string[], differs: boolean[]): Piece[] {
  const marked = tokens.map((token, n) => token.trim() ? differs[n] : !!differs[n - 1] && !!differs[n + 1])
  const joined: Piece[] = []
  tokens.forEach((token, n) => {
    const last = joined[joined.length - 1]
    if (last && last.differs === marked[n]) last.text += token
    else joined.push({ text: token, differs: marked[n] })
  })
  return joined
}

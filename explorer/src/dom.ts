// Elements made from text: nothing from outside is ever read as markup.

type Child = Node | string | null | undefined | false

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, given: Record<string, string | boolean | undefined> = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), given, children)
}

export function svg(tag: string, given: Record<string, string> = {}, ...children: Child[]): SVGElement {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), given, children)
}

function filled<E extends Element>(element: E, given: Record<string, string | boolean | undefined>, children: Child[]): E {
  for (const [name, value] of Object.entries(given)) {
    if (value === true) element.setAttribute(name, '')
    else if (typeof value === 'string') element.setAttribute(name, value)
  }
  for (const child of children) if (child) element.append(child)
  return element
}

export const $ = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E

import { createHash } from 'node:crypto'
import type { GuidedView } from '../../certification/certifier.ts'
import { Html, html } from './html.ts'
import type { Words } from './words.ts'

/** For a phone first: one column, large targets, the system's own font and colours. */
const style = `
:root{color-scheme:light dark;--ink:#1a1d21;--soft:#5b6470;--line:#d5dae1;--ground:#f4f6f8;--card:#fff;--act:#1257c7;--bad:#b3261e;--good:#1b7a3d}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a6aeb9;--line:#3a414b;--ground:#14171b;--card:#1e2329;--act:#7fb0ff;--bad:#ff9a91;--good:#7bd69b}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;overflow-wrap:anywhere}
main{max-width:32rem;margin:0 auto;padding:1rem 1rem 3rem}
h1{font-size:1.375rem;line-height:1.3;margin:.5rem 0 .75rem}
h2{font-size:1rem;margin:0 0 .5rem}
p{margin:0 0 .75rem}
p:last-child{margin-bottom:0}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem;margin:0 0 1rem}
ul{margin:0;padding-left:1.25rem}
.numbers{list-style:none;padding:0;font-variant-numeric:tabular-nums}
.soft,.hint{color:var(--soft)}
.hint{display:block;font-size:.875rem}
label{display:block;font-weight:600}
.field{margin:0 0 1rem}
input[type=text],input[type=tel]{display:block;width:100%;min-height:3rem;margin-top:.25rem;padding:.5rem .75rem;font:inherit;color:inherit;background:var(--ground);border:1px solid var(--soft);border-radius:.5rem}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--act);outline-offset:2px}
input[type][aria-invalid=true]{border:2px solid var(--bad)}
.fault{display:block;color:var(--bad);font-size:.875rem;font-weight:600}
.alert{border-color:var(--bad);color:var(--bad);font-weight:600}
.consent{display:flex;gap:.75rem;align-items:flex-start;font-weight:400}
.consent input{flex:none;width:1.5rem;height:1.5rem;margin:.1rem 0 0}
button,.button{display:block;width:100%;min-height:3rem;padding:.75rem;font:inherit;font-weight:600;text-align:center;text-decoration:none;color:var(--card);background:var(--act);border:0;border-radius:.5rem}
.mark{font-size:2.5rem;line-height:1;margin:0 0 .5rem}
.good{color:var(--good)}.bad{color:var(--bad)}
`

const styleHash = createHash('sha256').update(style).digest('base64')

const styleElement = new Html(`<style>${style}</style>`)

/** Nothing but our own style, and a form that goes back to us. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/** By field: what to say beside it. */
export type FormFaults = { readonly [Field in 'phone' | 'name' | 'document' | 'consent']?: string }

/** With X numbers as people dial them. */
export type FormView = Omit<Extract<GuidedView, { state: 'form' }>, 'someNumbers'> & {
  readonly someNumbers: readonly string[]
}
export type PageView = FormView | Exclude<GuidedView, { state: 'form' }>

export function viewPage(view: PageView, words: Words): string {
  switch (view.state) {
    case 'form':
      return formPage(view, words, { faults: {}, name: '' })
    case 'submitted':
      return notePage(words, words.submitted)
    case 'approved':
      return notePage(words, {
        ...words.approved,
        mark: html`<p class="mark good" aria-hidden="true">✓</p>`,
      })
    case 'refused':
      return notePage(words, {
        ...words.refused,
        mark: html`<p class="mark bad" aria-hidden="true">✕</p>`,
        more: html`<p><strong>${words.refused.reason}</strong>${view.reason}</p>`,
      })
  }
}

/** The name comes back as it was sent; phone and document are typed anew, so that no page holds them. */
export function formPage(
  view: FormView,
  words: Words,
  given: { readonly faults: FormFaults; readonly name: string },
): string {
  const { faults } = given
  const more = view.numbers - view.someNumbers.length
  return pageOf(
    words,
    words.title,
    html`${Object.keys(faults).length > 0 ? html`<section class="alert" role="alert">${words.faults.summary}</section>` : undefined}
<p>${words.intro(view.accountName, view.numbers)}</p>
<section><h2>${words.numbersTitle}</h2>
<ul class="numbers">${view.someNumbers.map((x) => html`<li>${x}</li>`)}</ul>
${more > 0 ? html`<p class="soft">${words.moreNumbers(more)}</p>` : undefined}</section>
<section><h2>${words.formTitle}</h2>
<form method="post">
${field({ id: 'phone', label: words.phone, hint: words.phoneHint, fault: faults.phone }, html`type="tel" inputmode="tel" autocomplete="tel" maxlength="40"`)}
${field({ id: 'name', label: words.name, hint: words.nameHint, fault: faults.name }, html`type="text" autocomplete="name" maxlength="40" value="${given.name}"`)}
${field({ id: 'document', label: words.document, hint: words.documentHint, fault: faults.document }, html`type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" minlength="4" maxlength="4"`)}
<div class="field"><label class="consent"><input type="checkbox" name="consent" value="yes" required${faults.consent === undefined ? '' : html` aria-invalid="true" aria-describedby="consent-fault"`}><span>${words.consent(view.accountName)}</span></label>
${faults.consent === undefined ? undefined : html`<span class="fault" id="consent-fault">${faults.consent}</span>`}</div>
<button type="submit">${words.send}</button>
</form></section>
<section class="soft"><h2>${words.privacyTitle}</h2>
<ul>${words.privacy.map((each) => html`<li>${each}</li>`)}</ul></section>`,
  )
}

type Field = { id: string; label: string; hint: string; fault: string | undefined }

function field({ id, label, hint, fault }: Field, attributes: Html): Html {
  const described = fault === undefined ? `${id}-hint` : `${id}-fault ${id}-hint`
  return html`<div class="field"><label for="${id}">${label}</label>
<span class="hint" id="${id}-hint">${hint}</span>
${fault === undefined ? undefined : html`<span class="fault" id="${id}-fault">${fault}</span>`}
<input id="${id}" name="${id}" required ${attributes} aria-describedby="${described}"${fault === undefined ? undefined : html` aria-invalid="true" autofocus`}></div>`
}

/** The person goes on at the provider's. A link, since a form may only lead back to us. */
export function onwardsPage(url: string, words: Words): string {
  const { title, text, link } = words.onwards
  const more = html`<p><strong>${new URL(url).host}</strong></p>
<p><a class="button" rel="noreferrer" href="${url}">${link}</a></p>`
  return notePage(words, { title, text, more })
}

export function notePage(
  words: Words,
  note: { title: string; text: string; mark?: Html; more?: Html },
): string {
  return pageOf(
    words,
    note.title,
    html`<section>${note.mark}<p>${note.text}</p>${note.more}</section>`,
  )
}

function pageOf(words: Words, title: string, body: Html): string {
  return html`<!doctype html>
<html lang="${words.lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="format-detection" content="telephone=no">
<title>${title}</title>
${styleElement}</head>
<body><main><h1>${title}</h1>
${body}</main></body></html>
`.text
}

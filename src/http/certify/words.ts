/** What the page says, in the languages that it can. */
export type Words = {
  readonly lang: string
  readonly title: string
  readonly intro: (account: string, numbers: number) => string
  readonly numbersTitle: string
  readonly moreNumbers: (count: number) => string
  readonly formTitle: string
  readonly phone: string
  readonly phoneHint: string
  readonly name: string
  readonly nameHint: string
  readonly document: string
  readonly documentHint: string
  readonly consent: (account: string) => string
  readonly send: string
  readonly privacyTitle: string
  readonly privacy: readonly string[]
  readonly faults: {
    readonly summary: string
    readonly phone: string
    readonly wrongPhone: (triesLeft: number) => string
    readonly name: string
    readonly document: string
    readonly consent: string
  }
  readonly submitted: { readonly title: string; readonly text: string }
  readonly approved: { readonly title: string; readonly text: string }
  readonly refused: { readonly title: string; readonly text: string; readonly reason: string }
  readonly onwards: { readonly title: string; readonly text: string; readonly link: string }
  readonly closed: { readonly title: string; readonly text: string }
  readonly tooMany: { readonly title: string; readonly text: string }
  readonly failed: { readonly title: string; readonly text: string }
}

const chinese: Words = {
  lang: 'zh-CN',
  title: '号码实人认证',
  intro: (account, numbers) =>
    `“${account}”使用隐私号码，让通话双方看不到彼此的真实号码。每个隐私号码都要有一位实名负责人。您被登记为下列 ${numbers} 个号码的负责人。`,
  numbersTitle: '您将负责的隐私号码',
  moreNumbers: (count) => `以及另外 ${count} 个号码`,
  formTitle: '请填写您本人的信息',
  phone: '您的手机号码',
  phoneHint: '登记时留的号码，不是上面的隐私号码',
  name: '姓名',
  nameHint: '与身份证件一致',
  document: '证件号码后四位',
  documentHint: '例如 123X；不要填写完整号码',
  consent: (account) =>
    `我本人同意作为上述号码的实名负责人，并同意将以上信息用于本次为“${account}”进行的身份核验。`,
  send: '提交核验',
  privacyTitle: '您的信息如何使用',
  privacy: [
    '信息加密保存，仅供审核人员核对身份。',
    '审核完成后，姓名和证件后四位立即删除；60 天内未审核也会删除。',
    '本页不会索要密码、验证码、银行卡或付款。',
  ],
  faults: {
    summary: '请检查标出的内容，然后重新提交。',
    phone: '这不是有效的电话号码。',
    wrongPhone: (triesLeft) => `与登记的号码不一致。还可以再试 ${triesLeft} 次。`,
    name: '请填写姓名，最多 40 个字，只用文字。',
    document: '请填写证件号码的最后四位（数字或字母）。',
    consent: '需要您同意后才能提交。',
  },
  submitted: {
    title: '已提交，正在核验',
    text: '我们已收到您的信息。审核结果会显示在本页，您可以稍后用同一个二维码查看。',
  },
  approved: { title: '认证已通过', text: '相关号码已完成实人认证，您无需再做任何操作。' },
  refused: {
    title: '认证未通过',
    text: '请联系给您二维码的人，获取新的二维码后重新填写。',
    reason: '原因：',
  },
  onwards: {
    title: '请继续完成核验',
    text: '身份核验在以下网站继续：',
    link: '前往核验',
  },
  closed: {
    title: '二维码已失效',
    text: '这个二维码不存在、已过期，或已被新的二维码替换。请向给您二维码的人索取新的。',
  },
  tooMany: { title: '请稍后再试', text: '请求太频繁，请一分钟后再试。' },
  failed: { title: '暂时无法处理', text: '您的信息没有提交成功，请几分钟后用同一个二维码重试。' },
}

const english: Words = {
  lang: 'en',
  title: 'Who stands for these numbers',
  intro: (account, numbers) =>
    `“${account}” uses privacy numbers, so that people who call each other do not see each other's real number. A real person has to stand for every privacy number. You were named for ${numbers === 1 ? 'the one below' : `the ${numbers} below`}.`,
  numbersTitle: 'Privacy numbers that you stand for',
  moreNumbers: (count) => `and ${count} more`,
  formTitle: 'Please fill in who you are',
  phone: 'Your phone number',
  phoneHint: 'The one you were registered with, not a privacy number above',
  name: 'Name',
  nameHint: 'As in your identity document',
  document: 'Last four characters of your identity document',
  documentHint: 'Such as 123X; not the whole number',
  consent: (account) =>
    `I agree to stand for these numbers, and that the above is used for this identity check for “${account}”.`,
  send: 'Send',
  privacyTitle: 'What happens with it',
  privacy: [
    'It is kept encrypted, and only read to check who you are.',
    'Name and document characters are deleted as soon as the check is done, and after 60 days if nobody has looked.',
    'This page never asks for passwords, codes, bank cards or payment.',
  ],
  faults: {
    summary: 'Please look at what is marked, and send it again.',
    phone: 'This is not a phone number.',
    wrongPhone: (triesLeft) =>
      `This is not the number that you were registered with. ${triesLeft === 1 ? 'One try is' : `${triesLeft} tries are`} left.`,
    name: 'Please give your name: letters only, at most 40.',
    document: 'Please give the last four characters: digits or letters.',
    consent: 'It can only be sent when you agree.',
  },
  submitted: {
    title: 'Sent, and being checked',
    text: 'We have what you filled in. The outcome will be shown here: come back later with the same code.',
  },
  approved: { title: 'Certified', text: 'The numbers are certified. There is nothing left to do.' },
  refused: {
    title: 'Not certified',
    text: 'Ask whoever gave you the code for a new one, and fill it in again.',
    reason: 'Reason: ',
  },
  onwards: {
    title: 'One more step',
    text: 'The identity check goes on at:',
    link: 'Go on',
  },
  closed: {
    title: 'This code is not valid',
    text: 'It does not exist, has expired, or was replaced by a newer one. Ask whoever gave it to you for a new one.',
  },
  tooMany: { title: 'Please wait', text: 'Too many requests. Try again in a minute.' },
  failed: {
    title: 'Not possible right now',
    text: 'What you filled in was not sent. Try again in a few minutes with the same code.',
  },
}

/** The first language of `Accept-Language` that we speak; Chinese where none is. */
export function wordsFor(acceptLanguage: string | undefined): Words {
  const wanted = (acceptLanguage ?? '')
    .slice(0, 200)
    .toLowerCase()
    .match(/\b(zh|en)\b/)
  return wanted?.[1] === 'en' ? english : chinese
}

// Segment's Node client, unmodified, says one of everything and a little more; prints what it complained of.
const [, , module, key, host, howMany] = process.argv
const { Analytics } = await import(module)
const analytics = new Analytics({ writeKey: key, host, flushAt: 20 })
const faults = []
analytics.on("error", (fault) => faults.push(`${fault.code}: ${fault.reason?.message ?? fault.reason}`))
const userId = "u-1"
analytics.identify({ userId, traits: { email: "ana@acme.example", name: "Ana Lima", title: "Head of IT" } })
analytics.alias({ userId, previousId: "cookie-1" })
analytics.group({ userId, groupId: "acme.example", traits: { industry: "Software", employees: 400 } })
analytics.page({ userId, category: "Docs", name: "Pricing", properties: { path: "/pricing" } })
analytics.screen({ userId, name: "Home", properties: { "größe": "ʇɥƃᴉɹ 😀" } })
analytics.track({ userId, event: "Demo Requested", properties: { form: "demo" } })
analytics.track({ anonymousId: "cookie-1", event: "Broken", properties: { text: "a\u0000b" } })
for (let number = 0; number < Number(howMany); number += 1) {
  analytics.track({ userId: `u-${number % 7}`, event: "Product Used", properties: { number, text: "naïve" } })
}
await analytics.closeAndFlush()
console.log(JSON.stringify(faults))

/* Rung: page views, named clicks, links that lead away and, where the site says so, forms. No cookie and nothing stored
   before rung.consent(true). All there is to know: docs/collecting.md. Whatever goes wrong in here stays in here. */
(function (w, d) {
  "use strict";
  var me = d.currentScript, early = (w.rung && w.rung.q) || [], noop = function () {};
  var api = { q: { push: call }, page: noop, track: noop, identify: noop, consent: noop, reset: noop };
  if (!me || !me.dataset.key || (w.rung && w.rung.page)) return;
  w.rung = api;

  var told = me.dataset, home, queue = [], waiting = 0, pause = 0, sending = false;
  var user = null, own = null, passing = null, at = null, before = d.referrer;
  var gpc = w.navigator.globalPrivacyControl === true;
  // Not asked yet: counted under an id that lives as long as the page. "required": not even that.
  var may = told.consent === "given" && !gpc;

  function safe(act) {
    return function () {
      try { return act.apply(this, arguments); } catch (fault) { if (told.debug !== undefined) w.console.warn("rung", fault); }
    };
  }

  function call(words) {
    var name = words[0];
    if (name !== "q" && typeof api[name] === "function") api[name].apply(api, [].slice.call(words, 1));
  }

  function random() {
    var bytes = w.crypto.getRandomValues(new Uint8Array(16));
    return [].map.call(bytes, function (byte) { return (byte + 256).toString(16).slice(1); }).join("");
  }

  var cookie = safe(function (value, age) {
    d.cookie = "rung_id=" + value + ";path=/;max-age=" + age + ";samesite=lax" + (told.domain ? ";domain=" + told.domain : "") +
      (w.location.protocol === "https:" ? ";secure" : "");
  });

  function id() {
    if (!may) return (passing = passing || random());
    if (!own) {
      own = passing || random();
      cookie(own, 31536000);
    }
    return own;
  }

  function cut(text, most) {
    return String(text === null || text === undefined ? "" : text).replace(/\s+/g, " ").trim().slice(0, most);
  }

  // data-root="/shop": the site begins there, and its pages are told without it.
  function where() {
    var path = w.location.pathname, root = told.root;
    return root && path.indexOf(root) === 0 ? path.slice(root.length) || "/" : path;
  }

  // Addresses go without what follows the ?: it may hold what nobody meant to tell.
  function plain(address) {
    if (!address) return undefined;
    try {
      var url = new URL(address, w.location.href);
      return url.protocol === "http:" || url.protocol === "https:" ? url.origin + url.pathname : url.protocol;
    } catch (fault) { return undefined; }
  }

  function campaign() {
    var found = {}, some = false;
    new URLSearchParams(w.location.search).forEach(function (value, name) {
      if (name.slice(0, 4) === "utm_") {
        found[name === "utm_campaign" ? "name" : name.slice(4)] = cut(value, 250);
        some = true;
      }
    });
    return some ? found : undefined;
  }

  function add(type, what) {
    what.type = type;
    what.messageId = "rung-" + random();
    what.anonymousId = id();
    what.userId = user || undefined;
    what.timestamp = new Date().toISOString();
    what.context = {
      library: { name: "rung.js" }, campaign: campaign(),
      page: { path: where(), url: plain(w.location.href), title: cut(d.title, 300), referrer: plain(before) },
    };
    queue.push(what);
    if (queue.length > 500) queue.shift();
    later(queue.length >= 20 ? 0 : 400);
  }

  function later(wait) {
    if (told.consent === "required" && !may) return;
    w.clearTimeout(waiting);
    waiting = w.setTimeout(safe(send), Math.max(wait, pause));
  }

  function send(isLast) {
    if (!queue.length || (sending && !isLast) || (told.consent === "required" && !may)) return;
    var part = queue.splice(0, 20), body = JSON.stringify({ writeKey: told.key, sentAt: new Date().toISOString(), batch: part });
    var again = function (seconds) {
      sending = false;
      queue = part.concat(queue);
      pause = 1000 * (seconds || 0) || Math.min(60000, 2 * pause || 1000);
      later(pause);
    };
    sending = true;
    // text/plain needs no preflight; the key alone says who we are, so no cookie of anybody's goes along.
    w.fetch(home + "/v1/b", {
      method: "POST", body: body, keepalive: body.length < 60000, credentials: "omit", headers: { "content-type": "text/plain" },
    }).then(function (answer) {
      answer.text().catch(noop); // read to its end, so that the browser lets go of it
      if (answer.status === 429 || answer.status >= 500) return again(+answer.headers.get("retry-after"));
      sending = false;
      pause = 0;
      if (queue.length) later(0);
    }, safe(function () { again(0); }));
  }

  function view(name, more) {
    var path = where(), known = name;
    // data-pages="/pricing*=Pricing, /demo=Demo": the pages that matter, by name.
    (told.pages || "").split(",").forEach(function (pair) {
      var parts = pair.split("="), glob = parts[0].trim();
      if (!known && glob && (glob.slice(-1) === "*" ? path.indexOf(glob.slice(0, -1)) === 0 : path === glob)) known = cut(parts[1] || glob, 100);
    });
    at = w.location.href.split("#")[0];
    add("page", { name: known || undefined, properties: more || {} });
  }

  function moved() {
    var now = w.location.href.split("#")[0];
    if (now === at) return;
    var from = at;
    before = from;
    w.setTimeout(safe(view), 50); // the new page sets its title first
  }

  function clicked(event) {
    if (event.button > 1 || !event.target.closest) return;
    var named = event.target.closest("[data-rung]"), link = event.target.closest("a[href]");
    var away = link && link.hostname && link.hostname !== w.location.hostname && /^https?:$/.test(link.protocol);
    if (!named && !away) return;
    add("track", { event: "Element Clicked", properties: {
      name: named ? cut(named.dataset.rung, 100) : link.hostname, text: cut((named || link).textContent, 100),
      href: link ? plain(link.href) : undefined, outbound: away || undefined,
    } });
  }

  var SECRET = /pass|card|^cc|cc-|cvc|cvv|iban|ssn|secret|token|csrf/i;

  function submitted(event) {
    var form = event.target, name = form.dataset && form.dataset.rungForm;
    if (!form.elements || form.dataset.rungIgnore !== undefined || (name === undefined && told.forms === undefined)) return;
    var fields = {}, traits = {};
    [].slice.call(form.elements, 0, 80).forEach(function (field) {
      var label = field.name, value = field.value;
      if (!label || /^(password|hidden|file|submit|button|image|reset)$/.test(field.type) || SECRET.test(label + " " + field.autocomplete)) return;
      if (/^(radio|checkbox)$/.test(field.type) && !field.checked) return;
      value = cut(value, 1000);
      if (!value) return;
      if (field.type === "email" || (/e-?mail/i.test(label) && value.indexOf("@") > 0)) label = "email";
      else if (field.type === "tel") label = "phone";
      fields[label.slice(0, 100)] = value;
      if (/^(email|phone|name|first_?name|last_?name|title|company|country)$/i.test(label)) traits[label] = value;
    });
    if (traits.email || traits.phone) add("identify", { traits: traits });
    fields.form = cut(name || form.getAttribute("name") || form.id || w.location.pathname, 100);
    add("track", { event: "Form Submitted", properties: fields });
    send(true);
  }

  // <div data-rung-embed="demo"><a href="…/f/demo">Ask</a></div> becomes the form of that name, with what this page knows
  // of the visit. The link in it is for whoever has no script.
  function embed() {
    [].slice.call(d.querySelectorAll("[data-rung-embed]")).forEach(function (place) {
      if (place.querySelector("iframe")) return;
      var name = place.dataset.rungEmbed, frame = d.createElement("iframe"), asked = ["embed=1"];
      if (!/^[a-z0-9-]{1,60}$/.test(name)) return;
      new URLSearchParams(w.location.search).forEach(function (value, key) {
        if (key.slice(0, 4) === "utm_") asked.push(key + "=" + encodeURIComponent(cut(value, 250)));
      });
      asked.push("referrer=" + encodeURIComponent(plain(w.location.href)));
      if (may) asked.push("rung_id=" + id());
      frame.src = home + "/f/" + name + "?" + asked.join("&");
      frame.title = place.getAttribute("aria-label") || "Form";
      frame.style.cssText = "width:100%;height:640px;border:0";
      place.textContent = "";
      place.appendChild(frame);
      w.addEventListener("message", function (told) {
        var height = told.source === frame.contentWindow && told.origin === home && told.data && told.data.height;
        if (height > 0) frame.style.height = Math.min(5000, Math.ceil(height)) + "px";
      });
    });
  }

  api.page = safe(view);
  api.track = safe(function (event, properties) { add("track", { event: cut(event, 200), properties: properties || {} }); });
  api.identify = safe(function (who, traits) {
    if (who && typeof who === "object") traits = who;
    else user = who ? String(who) : user;
    add("identify", { traits: traits || {} });
  });
  // What the visitor said. Yes: known again on the next visit. No: forgotten, cookie and all.
  api.consent = safe(function (yes) {
    may = !!yes;
    if (may) { id(); later(0); } else api.reset();
  });
  api.reset = safe(function () {
    if (own || /(^|; )rung_id=/.test(d.cookie)) cookie("", 0);
    own = passing = user = null;
  });

  safe(function () {
    var kept = /(?:^|; )rung_id=([0-9a-f]{32})/.exec(d.cookie);
    home = new URL(me.src).origin;
    // The cookie is there because the visitor said yes, or the site did for them: then Global Privacy Control takes it back.
    if (kept && gpc && told.consent === "given") cookie("", 0);
    else if (kept) { own = kept[1]; may = true; }
    ["pushState", "replaceState"].forEach(function (name) {
      var original = w.history[name];
      w.history[name] = function () {
        var result = original.apply(this, arguments);
        safe(moved)();
        return result;
      };
    });
    w.addEventListener("popstate", safe(moved));
    w.addEventListener("pageshow", safe(function (event) { if (event.persisted) view(); }));
    w.addEventListener("pagehide", safe(function () { send(true); }));
    d.addEventListener("visibilitychange", safe(function () { if (d.visibilityState === "hidden") send(true); }));
    d.addEventListener("click", safe(clicked), true);
    d.addEventListener("auxclick", safe(clicked), true);
    d.addEventListener("submit", safe(submitted), true);
    if (d.readyState === "loading") d.addEventListener("DOMContentLoaded", safe(embed));
    else safe(embed)();
    early.forEach(safe(call));
    view();
  })();
})(window, document);

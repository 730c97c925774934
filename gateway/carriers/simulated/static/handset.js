// Shows answers as they arrive, sends without a reload, and counts parts while a text is typed. Without it the page
// works by plain forms.
"use strict";
(() => {
  const { run, phones } = document.body.dataset;
  let since = Number(document.body.dataset.count);
  const notice = document.querySelector(".notice");

  const say = (sentence) => {
    notice.textContent = sentence;
    notice.hidden = !sentence;
  };

  const show = ({ id, phone, html }) => {
    const texts = document.querySelector(`#phone-${phone} .texts`);
    const fresh = document.createRange().createContextualFragment(html);
    const known = document.getElementById(`text-${id}`);
    if (known) {
      known.replaceWith(fresh);
    } else {
      texts.append(fresh);
      texts.parentElement.scrollTop = texts.parentElement.scrollHeight;
    }
  };

  let asking = null;
  let unreachable = false;
  const look = async () => {
    const address = `/handset/news?run=${run}&since=${since}&phones=${phones}`;
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const told = await answer.json();
      if (told.again) {
        location.reload();
        return;
      }
      since = told.count;
      told.texts.forEach(show);
      if (unreachable) say("");
      unreachable = false;
    } catch {
      unreachable = true;
      say("The gateway does not answer. Trying again ...");
    }
  };
  // One question at a time; a second caller waits for the first one's answer and then asks anew.
  const news = () => (asking = (asking ?? Promise.resolve()).then(look));

  const post = async (address, fields) => {
    const answer = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(fields),
    });
    return answer.json();
  };

  const send = async (form, button) => {
    const fields = new FormData(form, button);
    const box = form.querySelector("textarea");
    if (box) {
      box.value = "";
      count(box);
    }
    try {
      const sent = post(form.action, fields);
      setTimeout(news, 60);
      const { problem } = await sent;
      say(problem ?? "");
    } catch {
      say("The gateway does not answer; the text was not sent.");
      if (box) box.value = fields.get("body");
    }
    await news();
  };

  const waiting = new Map();
  const count = (box) => {
    const shown = box.form.querySelector(".count");
    clearTimeout(waiting.get(box));
    if (!box.value) {
      shown.textContent = "";
      return;
    }
    waiting.set(box, setTimeout(async () => {
      try {
        const { parts, encoding, left } = await post("/handset/parts", { body: box.value });
        if (box.value) shown.textContent = `${parts} ${parts === 1 ? "part" : "parts"} · ${encoding} · ${left} left`;
      } catch {
        shown.textContent = "";
      }
    }, 120));
  };

  document.querySelectorAll("form[data-live]").forEach((form) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form, event.submitter);
    });
  });
  document.querySelectorAll("textarea").forEach((box) => {
    box.addEventListener("input", () => count(box));
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      box.form.requestSubmit();
    });
  });
  setInterval(() => {
    if (!document.hidden) news();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) news();
  });
})();

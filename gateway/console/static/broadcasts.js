// The form of a draft while it is typed: the server says what the audience counts, how form and rule text follow each
// other, and what each text costs; this script only asks it and puts its answer in place. Without it, buttons ask.
(() => {
  "use strict";
  const form = document.getElementById("draft");
  if (!form) return;
  const rule = document.getElementById("rule");
  const lines = document.getElementById("lines");
  let timer = 0;
  let asked = 0;
  let pending = "";

  // While the audience waits to be asked about, words wait with it: its answer holds their cost too.
  const later = (changed, pause = 350) => {
    pending = pending && pending !== "words" && changed === "words" ? pending : changed;
    clearTimeout(timer);
    timer = setTimeout(() => ask({ changed: pending }), pause);
  };
  const put = (id, html) => {
    const element = document.getElementById(id);
    if (!element || element.innerHTML === html) return;
    const active = document.activeElement;
    const inside = active && active !== element && element.contains(active);
    const mark = inside && active.id;
    const caret = inside && typeof active.selectionStart === "number" ? [active.selectionStart, active.selectionEnd] : null;
    element.innerHTML = html;
    const again = mark && document.getElementById(mark);
    if (again) {
      again.focus({ preventScroll: true });
      if (caret) try { again.setSelectionRange(...caret); } catch { /* not a field with a caret */ }
    }
  };

  async function ask(more) {
    clearTimeout(timer);
    pending = "";
    const mine = ++asked;
    const typed = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string" && name !== "_once") typed.append(name, value);
    for (const [name, value] of Object.entries(more)) typed.append(name, value);
    const before = rule.value;
    let answer;
    try {
      const response = await fetch(form.dataset.look, { method: "POST", body: typed, redirect: "error" });
      if (!response.ok) return;
      answer = await response.json();
    } catch {
      return; // the buttons still work
    }
    if (mine !== asked) return;
    for (const [id, html] of Object.entries(answer.fragments)) put(id, html);
    if (typeof answer.rule !== "string") return;
    if (more.changed === "form" && rule.value === before) rule.value = answer.rule;
    form.elements.rule_before.value = answer.rule;
    const added = more.add_now && lines.querySelector("fieldset.line:last-of-type input:not([type=hidden]), fieldset.line:last-of-type select");
    if (added) added.focus();
  }

  form.addEventListener("input", (event) => {
    const name = event.target.name || "";
    if (event.target === rule) later("rule", 500);
    else if (name.startsWith("text.")) later("words", 250);
    else if (/^l\d+\./.test(name) || name === "join") later("form");
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=do]");
    if (!button) return;
    const [act, ...what] = button.value.split(":");
    if (act === "add") {
      event.preventDefault();
      ask({ changed: "form", add_now: form.elements.add_field.value });
    } else if (act === "remove") {
      event.preventDefault();
      ask({ changed: "form", remove_now: what[0] });
    } else if (act === "count" || act === "look") {
      event.preventDefault();
      ask({ changed: pending === "rule" || pending === "form" ? pending : "" });
    } else if (act === "replace" && what[1] !== "all") {
      const box = form.elements["text." + what[0]];
      const place = Number(what[1]);
      const signs = Array.from(box.value);
      const mark = button.closest(".dear").querySelectorAll("mark");
      const which = [...button.parentElement.children].indexOf(button);
      const letter = Array.from(mark[which].textContent);
      if (signs.slice(place, place + letter.length).join("") !== letter.join("")) return; // typed on since: the server looks
      event.preventDefault();
      signs.splice(place, letter.length, ...Array.from(button.dataset.cheap || ""));
      box.value = signs.join("");
      ask({ changed: "words" });
    }
  });
})();

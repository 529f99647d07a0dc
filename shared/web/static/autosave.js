// Saves a form by itself while somebody types; without it the form's own button does the same.
"use strict";
for (const form of document.querySelectorAll("form[data-autosave]")) {
  const told = document.createElement("p");
  told.setAttribute("role", "status");
  told.className = "muted";
  form.append(told);
  let tag = null;
  let changed = new Set();
  let timer = 0;

  async function ask(method, body) {
    const headers = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (tag) headers["If-Match"] = tag;
    return fetch(form.dataset.autosave, { method, headers, body, credentials: "same-origin" });
  }

  async function begin() {
    const answer = await ask("GET");
    if (!answer.ok) return false;
    const known = await answer.json();
    if (String(known.version) !== form.elements.version.value) return false;
    tag = answer.headers.get("ETag");
    return true;
  }

  async function save() {
    const names = [...changed];
    if (!names.length) return;
    changed = new Set();
    const fields = {};
    for (const name of names) fields[name] = form.elements[name].value;
    try {
      if (!tag && !(await begin())) throw new Error("behind");
      const revision = Number(form.elements.revision.value);
      const answer = await ask("PUT", JSON.stringify({ fields, revision }));
      if (!answer.ok) throw new Error(String(answer.status));
      tag = answer.headers.get("ETag");
      form.elements.version.value = (await answer.json()).version;
      told.textContent = `${form.dataset.saved} ${new Date().toLocaleTimeString("vi-VN")}`;
    } catch (error) {
      for (const name of names) changed.add(name);
      if (["behind", "412"].includes(error.message)) told.textContent = form.dataset.lost;
    }
  }

  form.addEventListener("input", (event) => {
    const name = event.target.name;
    if (!name || /^(attach|pick)\./.test(name)) return;
    changed.add(name);
    clearTimeout(timer);
    timer = setTimeout(save, 3000);
  });
  form.addEventListener("submit", () => clearTimeout(timer));
}

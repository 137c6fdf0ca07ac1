"use strict";
const $ = id => document.getElementById(id);
const json = id => JSON.parse($(id).textContent);
const decode = (text, kind = Uint8Array) => new kind(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const within = (v, low, high) => Math.min(Math.max(v, low), high);

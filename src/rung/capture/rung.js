// rung.js, to come

/*
 * The smallest web plugin: it shows a greeting in the element it is given and
 * takes it away again.
 */
export function mount(element, context) {
  const line = element.ownerDocument.createElement("p");

  line.textContent = `Hello from ${context?.name ?? "a web plugin"}.`;
  element.append(line);
  return {
    unmount() {
      line.remove();
    },
  };
}

(() => {
  const live = document.getElementById("live"), button = live.querySelector("button"), text = live.querySelector("span");
  let still = location.hash === "#still";
  const show = () => {
    button.textContent = still ? "Renew again" : "Stop renewing";
    text.textContent = still ? "This page stands still; the run goes on." : "This page renews itself until the run ends.";
  };
  button.addEventListener("click", () => {
    still = !still;
    history.replaceState(null, "", still ? "#still" : "#");
    show();
  });
  button.hidden = false;
  show();
  setInterval(() => still || document.hidden || location.reload(), 1000 * live.dataset.seconds);
})();

"""A JupyterLab of its own on loopback, and what a user does in it."""

import json
import os
import sys
from contextlib import contextmanager

from .serving import free_port, served

TOKEN = "only-for-this-test"
# What JupyterLab itself writes to the console: missing optional files and events of a socket. Where the extra `docs` is
# installed too, it also tries JupyterLite's kernel for an extension of its own.
OWN_ERRORS = (
    r"console: Failed to load resource: .* (404|403|400)",
    r"console: .*(WebSocket|Connection lost|reconnect)",
    r"console: Error: Shared module @jupyterlite/\S+ doesn't exist in shared scope",
    r"thrown: Cannot read properties of null \(reading 'kernel'\)",  # where a notebook has none
)


@contextmanager
def serving(folder):
    """Start the server in a folder with nobody's settings, give its address, and end it whatever happens."""
    homes = {name: str(folder / name.lower()) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
        "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR",
    )}  # fmt: skip
    work = folder / "work"
    work.mkdir()
    quiet = (
        folder / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    )
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={work}", f"--IdentityProvider.token={TOKEN}",
        "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    # When it is asked to end, the server ends its kernels.
    with served(command, f"{address}/api/status?token={TOKEN}", cwd=work, env=os.environ | homes):
        yield address, work


def notebook(*cells, **metadata):
    """A notebook of code cells; without metadata it names no kernel."""
    import nbformat  # slowly: it builds parsers

    made = nbformat.v4.new_notebook(metadata=metadata)
    made.cells = [nbformat.v4.new_code_cell(source) for source in cells]
    return made


class Lab:
    """A page with JupyterLab in it."""

    def __init__(self, page, address, work):
        self.page, self.work = page, work
        page.watch.allowed += OWN_ERRORS
        page.goto(f"{address}/lab/workspaces/test?reset&token={TOKEN}")
        page.wait_for_function("window.jupyterapp", timeout=60_000)
        self.ask("jupyterapp.restored")

    def ask(self, script, *arguments):
        """What an expression of these arguments gives, or an error after a minute: a promise may never be kept."""
        return self.page.evaluate(
            f"""args => Promise.race([
                (async () => {{ const found = await ({script}); return found === undefined ? null : found }})(),
                new Promise((_, fail) => setTimeout(() => fail(Error("no answer within a minute")), 60000))
            ])""",
            list(arguments),
        )

    def command(self, name, arguments=None):
        """Run one of JupyterLab's own commands to its end."""
        self.ask("jupyterapp.commands.execute(args[0], args[1]).then(() => null)", name, arguments or {})

    def write(self, name, made):
        """Put a notebook into the folder by another way than JupyterLab's: it is not signed."""
        (self.work / name).write_text(json.dumps(made))

    def open(self, name, *, kernel=True):
        """Open a notebook of the folder, with or without a kernel, and wait until that one has answered."""
        options = (
            {"path": name} if kernel else {"path": name, "kernelPreference": {"shouldStart": False, "canStart": False}}
        )
        self.ask(
            """(async () => {
                const panel = await jupyterapp.commands.execute("docmanager:open", args[0]);
                await panel.context.ready;
                await panel.revealed;
                await panel.sessionContext.ready;
                if (args[1]) await panel.sessionContext.session.kernel.info;
            })()""",
            options,
            kernel,
        )

    def close(self):
        self.command("docmanager:save")
        self.command("application:close-all")

    def kernels(self):
        """The names of those that run."""
        manager = "jupyterapp.serviceManager.kernels"
        return self.ask(f"{manager}.refreshRunning().then(() => [...{manager}.running()].map((kernel) => kernel.name))")

    def end_kernels(self):
        self.ask("jupyterapp.serviceManager.sessions.shutdownAll()")

    def notebook(self):
        """The cells of the open notebook, and which one is active."""
        content = "jupyterapp.shell.currentWidget.content"
        sources = f"{content}.widgets.map((cell) => cell.model.type + ' ' + cell.model.sharedModel.source)"
        return self.ask(f"({{sources: {sources}, active: {content}.activeCellIndex}})")

    def run(self, index):
        """Run one cell to its end, and give what it prints."""
        content = "jupyterapp.shell.currentWidget.content"
        self.ask(f"{content}.activeCellIndex = args[0]", index)
        self.command("notebook:run-cell")
        outputs = f"{content}.widgets[args[0]].model.sharedModel.outputs"
        return self.ask(f"{outputs}.map((output) => [output.text || ''].flat().join('')).join('')", index)

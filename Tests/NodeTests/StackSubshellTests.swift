import Foundation
import Node
import Testing

@Suite("The shell that start enters")
struct StackSubshellTests {
    private static let hostile = "/srv/it's $(touch PWNED) `x` \"q\"\nnew"

    private func shell(
        _ path: String, _ channel: Channel = .current, directory: String = "/srv/p", environment: [String: String] = [:]
    ) -> Subshell {
        let work = WorkDirectory(
            environment: ["LLMSTACK_WORK_DIR": directory, "HOME": "/home/ada"], currentDirectory: "/")
        var environment = environment
        environment["SHELL"] = path
        return Subshell(work: work, channel: channel, root: "/opt/share", environment: environment)
    }

    @Test(
        "Each shell is told of its start-up file in its own way",
        arguments: [
            ("/bin/bash", ["--rcfile", "/srv/p/.llmstack/llmstack.bashrc", "-i"], "/srv/p/.llmstack/llmstack.bashrc"),
            ("/usr/bin/zsh", ["-i"], "/srv/p/.llmstack/zdotdir/.zshrc"), ("/usr/bin/fish", ["-i"], nil),
        ] as [(String, [String], String?)])
    func dialects(_ path: String, _ arguments: [String], _ file: String?) {
        let shell = shell(path)
        #expect(shell.arguments == arguments)
        #expect(shell.startupFile?.path == file)
        #expect(shell.environment["ZDOTDIR"] == (path.hasSuffix("zsh") ? "/srv/p/.llmstack/zdotdir" : nil))
    }

    @Test("The environment is the project's, and nothing of another project stays")
    func environment() {
        let stale = ["LLMSTACK_REMOTE_URL": "http://old", "LLMSTACK_CHANNEL": "next", "EDITOR": "vi"]
        let here = shell("/bin/bash", environment: stale).environment
        #expect(here["OPENCODE_CONFIG"] == "/srv/p/.llmstack/opencode.json")
        #expect(here["LLMSTACK_WORK_DIR"] == "/srv/p")
        #expect(here["LLMSTACK_CHANNEL"] == "current")
        #expect(here["LLMSTACK_ACTIVE"] == "1")
        #expect(here["LLMSTACK_ROOT"] == "/opt/share")
        #expect(here["LLMSTACK_REMOTE_URL"] == nil)
        #expect(here["EDITOR"] == "vi")
        #expect(shell("/bin/bash", .external("http://b:1")).environment["LLMSTACK_REMOTE_URL"] == "http://b:1")
    }

    @Test(
        "The prompt has the channel in its colour",
        arguments: [(Channel.current, 38), (.next, 208), (.external("http://b:1"), 135)])
    func prompts(_ channel: Channel, _ colour: Int) throws {
        let bash = try #require(shell("/bin/bash", channel).startupFile?.text)
        #expect(bash.contains("38;5;\(colour)m\\][llmstack:\(channel.name)]"))
        let zsh = try #require(shell("/bin/zsh", channel).startupFile?.text)
        #expect(zsh.contains("%F{\(colour)}[llmstack:\(channel.name)]%f"))
    }

    @Test(
        "A terminal without colours, or a user who wants none, gets a plain prompt",
        arguments: [(["NO_COLOR": "1"], true), (["TERM": "dumb"], true), (["NO_COLOR": "", "TERM": "xterm"], false)])
    func plainPrompts(_ environment: [String: String], _ isPlain: Bool) async throws {
        let text = try #require(shell("/bin/bash").startupFile?.text)
        let project = try ScratchProject()
        try project.write(text, "rc")
        let daemon = Daemon(
            executable: "/bin/bash",
            arguments: ["--norc", "-c", "PS1='me> '; . \"$0\"; printf '%s' \"$PS1\"", "\(project.work.state)/rc"],
            environment: ["PATH": "/usr/bin:/bin", "HOME": project.work.path].merging(environment) { $1 },
            log: "\(project.work.logs)/out.log")
        let pid = try daemon.spawn()
        var exit: ChildExit?
        #expect(
            await eventually {
                exit = exit ?? ChildExit.poll(pid); return exit != nil
            })
        let prompt = try String(contentsOfFile: daemon.log, encoding: .utf8)
        #expect((prompt == "[llmstack:current] me> ") == isPlain, "\(prompt)")
        #expect(prompt.contains("38;5;38m") != isPlain, "\(prompt)")
    }

    @Test("A directory's name is data to a real bash", arguments: ["/bin/bash"])
    func hostileNames(_ bash: String) async throws {
        let text = try #require(shell(bash, directory: Self.hostile).startupFile?.text)
        let project = try ScratchProject()
        try project.write(text, "rc")
        let daemon = Daemon(
            executable: bash,
            arguments: ["--norc", "-c", ". \"$0\"; printf '<%s>' \"$LLMSTACK_WORK_DIR\"", "\(project.work.state)/rc"],
            environment: ["PATH": "/usr/bin:/bin", "HOME": project.work.path], log: "\(project.work.logs)/out.log")
        let pid = try daemon.spawn()
        var exit: ChildExit?
        #expect(
            await eventually {
                exit = exit ?? ChildExit.poll(pid); return exit != nil
            })
        #expect(exit == .exited(0))
        #expect(try String(contentsOfFile: daemon.log, encoding: .utf8) == "<\(Self.hostile)>")
    }

    @Test("What is put in front of the prompt can be taken away again, as the hook and reload do")
    func promptIsMarkedOnce() async throws {
        let text = try #require(shell("/bin/bash").startupFile?.text)
        let project = try ScratchProject()
        try project.write(text, "rc")
        let script = #"PS1='me> '; . "$0"; . "$0"; printf '<%s>' "${PS1#"$_LLMSTACK_PREFIX"}""#
        let daemon = Daemon(
            executable: "/bin/bash", arguments: ["--norc", "-c", script, "\(project.work.state)/rc"],
            environment: ["PATH": "/usr/bin:/bin", "HOME": project.work.path], log: "\(project.work.logs)/out.log")
        let pid = try daemon.spawn()
        var exit: ChildExit?
        #expect(
            await eventually {
                exit = exit ?? ChildExit.poll(pid); return exit != nil
            })
        #expect(try String(contentsOfFile: daemon.log, encoding: .utf8) == "<me> >")
    }

    @Test("A log's last lines are shown without what could drive a terminal, and only those since the start")
    func logTail() throws {
        let project = try ScratchProject()
        let path = "\(project.work.state)/x.log"
        try project.write("old\n", "x.log")
        let tail = LogTail(path)
        #expect(tail.lines() == [])
        try project.write("old\n" + (1...20).map { "line \($0)\u{1b}[31m\n" }.joined(), "x.log")
        #expect(tail.lines(2) == ["line 19[31m", "line 20[31m"])
        #expect(tail.lines(100).count == 20)
    }
}

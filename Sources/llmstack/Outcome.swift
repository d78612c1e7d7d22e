import ArgumentParser
import Foundation
import Node

/// How a command ends: what it prints where, and its exit code.
///
/// 0 it did what was asked, or showed help; 1 it could not, or is no command at all; 2 it was called wrongly.
struct Outcome {
    var code: Int32 = 0
    var output = ""
    var errors = ""

    static func of(_ arguments: CommandLineArguments) async -> Outcome {
        if let verb = arguments.unknownVerb {
            let meant = CommandLineArguments.likely(verb).map { "did you mean \($0)? " } ?? ""
            return Outcome(
                code: 1,
                errors: "llmstack: there is no command \"\(verb)\"\n  next: \(meant)llmstack help lists them all\n")
        }
        do {
            var command = try LLMStack.parseAsRoot(arguments.words)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return Outcome()
        } catch {
            var outcome = after(error)
            if arguments.isForEval { (outcome.output, outcome.errors) = ("", outcome.output + outcome.errors) }
            return outcome
        }
    }

    private static func after(_ error: any Error) -> Outcome {
        if let code = error as? ExitCode { return Outcome(code: code.rawValue) }
        let message = LLMStack.fullMessage(for: error).replacing("USAGE:", with: "usage:").replacing(
            "Usage:", with: "usage:")
        switch LLMStack.exitCode(for: error) {
        case .success: return Outcome(output: message + "\n")
        case .validationFailure: return Outcome(code: 2, output: message + "\n")
        default: return Outcome(code: 1, errors: "llmstack: \(error)\n")
        }
    }

    func leave() -> Never {
        StandardStream.output.put(output)
        StandardStream.errors.put(errors)
        guard code == 0, let problem = StandardStream.problem else { exit(code) }
        StandardStream.errors.put(
            "llmstack: standard output cannot be written: \(problem)\n"
                + "  fix: make room where it goes, or send it elsewhere\n")
        exit(1)
    }
}

import Foundation
import Node

/// AWS signatures and credentials on their own, for tests against AWS's own programs: orders come in as lines of
/// JSON, and one line of JSON answers each.
///
///     aws-probe sign        a ``SigningOrder`` a line: the headers to add
///     aws-probe choose      a ``ChoiceOrder`` a line: whose key, which region, which endpoint
@main
struct AWSProbe {
    static func main() async {
        let chooser = Chooser()
        let verb = CommandLine.arguments.dropFirst().first
        guard verb == "sign" || verb == "choose", CommandLine.arguments.count == 2 else {
            FileHandle.standardError.write(Data("usage: aws-probe sign|choose < orders\n".utf8))
            exit(2)
        }
        while let line = readLine() {
            do {
                let order = Data(line.utf8)
                if verb == "sign" {
                    let headers = try JSONDecoder().decode(SigningOrder.self, from: order).headersToAdd
                    say(["headers": headers.map { [$0.name, $0.value] }])
                } else {
                    say(await chooser.answer(try JSONDecoder().decode(ChoiceOrder.self, from: order)))
                }
            } catch {
                say(["error": "\(error)"])
            }
        }
    }

    private static func say(_ object: [String: Any]) {
        guard let data = try? JSONSerialization.data(withJSONObject: object, options: .sortedKeys) else { return }
        FileHandle.standardOutput.write(data + Data("\n".utf8))
    }
}

import Foundation
import Node

/// AWS signatures and credentials on their own, for tests against AWS's own programs: orders come in as lines of
/// JSON, and one line of JSON answers each.
///
///     aws-probe sign        {method, host, path, query, headers, body, access_key, secret_key, token, region, service,
///                           time}: the headers to add
@main
struct AWSProbe {
    static func main() async {
        guard CommandLine.arguments.dropFirst() == ["sign"] else {
            FileHandle.standardError.write(Data("usage: aws-probe sign < orders\n".utf8))
            exit(2)
        }
        while let line = readLine() {
            do {
                let order = try JSONDecoder().decode(SigningOrder.self, from: Data(line.utf8))
                say(["headers": order.headersToAdd.map { [$0.name, $0.value] }])
            } catch {
                say(["error": "\(error)"])
            }
        }
    }

    static func say(_ object: [String: Any]) {
        guard let data = try? JSONSerialization.data(withJSONObject: object, options: .sortedKeys) else { return }
        FileHandle.standardOutput.write(data + Data("\n".utf8))
    }
}

/// Pieces of the command lines in llama-swap.yaml.
///
/// llama-swap puts `${…}` macros into a command, drops the lines that begin with `#`, and parts the rest into arguments
/// by the rules of a POSIX shell, without running one.
enum CommandText {
    /// A value as it stands in models.ini, with all that is special taken out of it: quotes, backslashes, macros and
    /// line breaks. White space still parts arguments there, as it always has.
    static func argument(_ value: String) -> String {
        escaped(value, spaces: false)
    }

    /// A value that is one argument whatever is in it, such as a path.
    static func word(_ value: String) -> String {
        escaped(value, spaces: true)
    }

    /// `$ {` for `${`: in names and descriptions llama-swap would look for a macro, and there is no way to escape one.
    static func prose(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar == "{", result.unicodeScalars.last == "$" { result += " " }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    private static func escaped(_ value: String, spaces: Bool) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "'", "\\": result += "\\"
            case "{" where result.unicodeScalars.last == "$": result += "\\"
            case " " where spaces: result += "\\"
            default: break
            }
            // A break would start a line of its own, with arguments or a comment of its own.
            result.unicodeScalars.append(YAMLText.isPrintable(scalar) ? scalar : " ")
        }
        return result
    }
}

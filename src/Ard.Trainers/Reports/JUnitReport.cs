using System.Xml.Linq;

namespace Ard.Trainers.Reports;

/// <summary>
/// An evaluation as tests that a CI service shows one by one: JUnit's XML, which GitLab, Azure DevOps and Jenkins read, and actions of
/// GitHub.
/// </summary>
public static class JUnitReport
{
    /// <summary>
    /// Writes a test for each attack, one for all of them together, and one for each flag that stands, to a file that appears whole or not
    /// at all; of a union a suite of these for each adversary, and one with their union. A test of an attack fails where the 95 % interval
    /// of its accuracy ends below what is demanded; one of a flag where the figures may be too high for it, and else it counts as skipped.
    /// </summary>
    /// <param name="path">The file to create or to replace. Missing folders are made.</param>
    /// <param name="name">What the tests are called by: the network's name.</param>
    /// <param name="evaluation">A <see cref="RobustnessReport"/>, or a union.</param>
    /// <param name="accuracy">
    /// What <see cref="RobustnessAssert"/> demands, from 0 to 1. Default null: any accuracy will do.
    /// </param>
    /// <param name="accepted">Flags that do not count. Default none.</param>
    public static void Save(
        string path, string name, RobustnessUnion evaluation, double? accuracy = null, params IReadOnlyList<RobustnessFlagCode> accepted)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(evaluation);
        ArgumentNullException.ThrowIfNull(accepted);
        XElement[] suites =
        [
            .. evaluation.Reports.Select(report => Suite($"{report.Threat}", [.. report.Attacks, report.WorstCase], report.Flags)),
            .. evaluation.Reports.Count == 1 ? [] : new[] { Suite(evaluation.Threats, [evaluation.WorstCase], []) },
        ];
        AtomicFile.Write(path, new XDocument(new XElement("testsuites", suites)).Save);

        // The tests of one adversary.
        XElement Suite(string threat, IReadOnlyList<AttackResult> results, IReadOnlyList<RobustnessFlag> flags)
        {
            XElement[] tests =
            [
                .. results.Select(result => Test(
                    "accuracy", result.Name,
                    RobustnessAssert.Fault(result, accuracy ?? 0) is { } fault ? Outcome("failure", fault) : null,
                    new XElement("system-out", string.Create(
                        CultureInfo.InvariantCulture,
                        $"{100 * result.Accuracy:F2} % ({result.CorrectCount} of {result.Points.Count} right; 95 %: {result.Interval})")))),
                .. flags.Select(flag => Test(
                    "flags", $"{flag.Code}",
                    Outcome(RobustnessAssert.Counts(flag, accepted) ? "failure" : "skipped", flag.ToString()))),
            ];
            return new XElement(
                "testsuite", new XAttribute("name", Text($"{name}, {threat}")), new XAttribute("tests", tests.Length),
                Count("failure", "failures"), new XAttribute("errors", 0), Count("skipped", "skipped"), tests);

            XAttribute Count(string outcome, string attribute) => new(attribute, tests.Count(test => test.Element(outcome) is not null));
        }

        XElement Test(string group, string test, params object?[] outcome) => new(
            "testcase", new XAttribute("classname", Text($"{name}.{group}")), new XAttribute("name", Text(test)), outcome);
    }

    private static XElement Outcome(string kind, string message) => new(kind, new XAttribute("message", Text(message)));

    // Half of a pair, and control characters, are no text in XML.
    private static string Text(string value) => string.Concat(value.EnumerateRunes().Select(rune =>
        rune.Value is '\t' or '\n' or (>= 0x20 and <= 0xFFFD) or >= 0x10000 ? rune.ToString() : "\uFFFD"));
}

using System.Xml.Linq;
using Ard.Trainers.Tests.Evaluation;

namespace Ard.Trainers.Tests.Reports;

public sealed class JUnitReportTests
{
    private static XElement Suite(RobustnessReport report, string name, double? accuracy, params RobustnessFlagCode[] accepted)
    {
        var file = EvaluationProblem.File("junit.xml");
        JUnitReport.Save(file, name, report, accuracy, accepted);
        return XDocument.Load(file).Root!.Elements("testsuite").Single();
    }

    private static string Outcomes(XElement suite) => string.Join(' ', suite.Elements("testcase").Select(test =>
        $"{(string)test.Attribute("name")!}:{(test.Element("failure") ?? test.Element("skipped"))?.Name.LocalName ?? "passed"}"));

    [Fact]
    public void There_is_a_test_for_each_attack_and_each_flag_and_those_fail_that_the_gate_fails_for()
    {
        var report = RobustnessAssertTests.Report(
            191, 500, RobustnessFlagCode.OneClass, RobustnessFlagCode.ZeroGradients, RobustnessFlagCode.FewClasses);
        var suite = Suite(report, "student", 0.45, RobustnessFlagCode.ZeroGradients);
        Assert.Equal(
            "fgsm:passed pgd-20:failure worst-case:failure OneClass:failure ZeroGradients:skipped FewClasses:skipped", Outcomes(suite));
        Assert.Equal(("student, Linf 0.1", "6", "3", "0", "2"), (
            (string)suite.Attribute("name")!, (string)suite.Attribute("tests")!, (string)suite.Attribute("failures")!,
            (string)suite.Attribute("errors")!, (string)suite.Attribute("skipped")!));
        var pgd = suite.Elements("testcase").ElementAt(1);
        Assert.Equal("student.accuracy", (string)pgd.Attribute("classname")!);
        Assert.Contains("38.20 % of 500 images", (string)pgd.Element("failure")!.Attribute("message")!);
        Assert.Equal("38.20 % (191 of 500 right; 95 %: 34.05 to 42.53)", pgd.Element("system-out")!.Value);
        Assert.Equal(
            "OneClass: seen. advice.", (string)suite.Elements("testcase").ElementAt(3).Element("failure")!.Attribute("message")!);
    }

    [Fact]
    public void Several_adversaries_have_a_suite_each_and_one_together()
    {
        var union = RobustnessUnion.Combine(
            RobustnessAssertTests.Report(191, 500, RobustnessFlagCode.OneClass),
            RobustnessAssertTests.Report(400, 500) with { Threat = ThreatModel.L2(0.5) });
        var file = EvaluationProblem.File("junit.xml");
        JUnitReport.Save(file, "student", union, 0.45);
        XElement[] suites = [.. XDocument.Load(file).Root!.Elements("testsuite")];
        Assert.Equal(
            ["student, Linf 0.1", "student, L2 0.5", "student, Linf 0.1, L2 0.5"],
            suites.Select(suite => (string)suite.Attribute("name")!));
        Assert.Equal(
            [
                "fgsm:passed pgd-20:failure worst-case:failure OneClass:failure", "fgsm:passed pgd-20:passed worst-case:passed",
                "union:failure",
            ],
            suites.Select(Outcomes));
    }

    [Fact]
    public void Without_a_demand_every_accuracy_will_do() =>
        Assert.Equal("fgsm:passed pgd-20:passed worst-case:passed", Outcomes(Suite(RobustnessAssertTests.Report(0, 5), "student", null)));

    [Fact]
    public void Any_name_makes_a_file_that_can_be_read() => Assert.Equal(
        SampleReport.Hostile.Replace('\u0001', '\uFFFD').Replace('\uD800', '\uFFFD') + ", Linf 0.1",
        (string)Suite(RobustnessAssertTests.Report(1, 1), SampleReport.Hostile, 0.5).Attribute("name")!);
}

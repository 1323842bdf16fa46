namespace Ard.Examples.Tests;

public sealed class QuickstartTests : IDisposable
{
    private readonly ExampleProgram program = new("Quickstart");

    public void Dispose() => program.Dispose();

    [Fact]
    public void The_demo_trains_a_teacher_and_three_students_and_writes_table_summary_reports_and_models()
    {
        var (code, output, error) = program.Run("--scale", "0.02", "--output", program.Output, "--threads", "1");
        Assert.True(code == 0, error);
        Assert.Contains("PGD-20", output);
        Assert.Contains("student-ard.zip, loaded: takes a ", output);
        var page = Path.Combine(program.Output, "report.html");
        Assert.Contains(page, output);
        var html = File.ReadAllText(page);
        foreach (var section in (string[])["accuracy", "budget", "images", "confusion", "training", "settings"])
            Assert.Contains($"<h2 id=\"{section}\">", html);
        string[] networks =
            ["teacher, adversarial training", "student, adversarial training", "student, clean distillation", "student, ARD"];
        foreach (var network in networks)
            Assert.Contains($"<h3>{network}</h3>", html);
        Assert.Contains("./ard demo --seed 0", html);
        var rows = program.Summary();
        Assert.Equal(["adversarial training", "adversarial training", "clean distillation", "ARD"],
            rows.Select(r => r.GetProperty("method").GetString()));
        Assert.StartsWith("teacher", rows[0].GetProperty("model").GetString());
        Assert.Single(rows[1..].Select(r => r.GetProperty("model").GetString()).Distinct());
        Assert.All(rows, row =>
        {
            Assert.Equal(["model", "method", "parameters", "seconds", "clean", "fgsm", "pgd20"],
                row.EnumerateObject().Select(p => p.Name).Except(["warnings", "flags"]));
            Assert.Contains("it has learned nothing", row.GetProperty("warnings").GetRawText());
            Assert.True(row.GetProperty("parameters").GetInt64() > 1000);
            Assert.True(row.GetProperty("seconds").GetDouble() > 0);
            var (clean, fgsm, pgd) = (
                row.GetProperty("clean").GetDouble(), row.GetProperty("fgsm").GetDouble(), row.GetProperty("pgd20").GetDouble());
            Assert.InRange(clean, 0, 100);
            Assert.InRange(fgsm, 0, clean);
            Assert.InRange(pgd, 0, clean);
        });
        string[] models = ["teacher-adversarial-training", "student-adversarial-training", "student-clean-distillation", "student-ard"];
        foreach (var model in models)
        {
            Assert.True(File.Exists(Path.Combine(program.Output, model + ".zip")), model);
            using var report = JsonDocument.Parse(File.ReadAllText(Path.Combine(program.Output, model + ".json")));
            Assert.Contains("pgd-20", report.RootElement.GetRawText());
        }
    }

    [Theory]
    [InlineData("--seed 'x': expected a whole number", "--seed", "x")]
    [InlineData("--data", "--data", "folder")]
    [InlineData("'gpu'", "--device", "gpu", "--scale", "0.01")]
    public void Bad_arguments_give_one_line_and_exit_code_2(string expected, params string[] arguments)
    {
        var (code, output, error) = program.Run(arguments);
        Assert.Equal(2, code);
        Assert.Contains(expected, error);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain("   at ", error + output);
    }
}

using System.Diagnostics;
using System.Text.Json;

namespace Ard.Examples.Tests;

public sealed class DistillTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-distill-").FullName;

    private string Output => Path.Combine(folder, "out");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private (int Code, string Output, string Error) Run(params string[] arguments)
    {
        // bin/Examples.Tests/release/ beside bin/Distill/release/
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(here.Parent!.Parent!.FullName, "Distill", here.Name, "Distill.dll");
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        foreach (var argument in arguments.Prepend(program)) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    private JsonElement[] Summary() =>
        [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(Output, "summary.json"))).RootElement.EnumerateArray()];

    [Fact]
    public void The_demo_trains_a_teacher_and_three_students_and_writes_table_and_summary()
    {
        var (code, output, error) = Run("demo", "--scale", "0.02", "--output", Output, "--threads", "1");
        Assert.True(code == 0, error);
        Assert.Contains("PGD-20", output);
        var rows = Summary();
        Assert.Equal(["adversarial training", "adversarial training", "clean distillation", "ARD"],
            rows.Select(r => r.GetProperty("method").GetString()));
        Assert.StartsWith("teacher", rows[0].GetProperty("model").GetString());
        Assert.Single(rows[1..].Select(r => r.GetProperty("model").GetString()).Distinct());
        Assert.All(rows, row =>
        {
            Assert.Equal(["model", "method", "parameters", "seconds", "clean", "fgsm", "pgd20"], row.EnumerateObject().Select(p => p.Name));
            Assert.True(row.GetProperty("parameters").GetInt64() > 1000);
            Assert.True(row.GetProperty("seconds").GetDouble() > 0);
            var (clean, fgsm, pgd) = (
                row.GetProperty("clean").GetDouble(), row.GetProperty("fgsm").GetDouble(), row.GetProperty("pgd20").GetDouble());
            Assert.InRange(clean, 0, 100);
            Assert.InRange(fgsm, 0, clean);
            Assert.InRange(pgd, 0, clean);
        });
    }

    [Fact]
    public void Options_without_a_verb_train_by_them_and_what_is_trained_can_be_resumed_and_evaluated()
    {
        string[] train =
        [
            "--data", "builtin", "--student", "tinycnn-4-bn", "--teacher", "smallcnn-4", "--epochs", "2", "--method", "ard,kd",
            "--seed", "3", "--eps", "8/255", "--train-images", "80", "--test-images", "30", "--batch", "20", "--lr", "0.05",
            "--steps", "2", "--threads", "1", "--output", Output,
        ];
        var (code, _, error) = Run(train);
        Assert.True(code == 0, error);
        var rows = Summary();
        Assert.Equal(["teacher smallcnn-4", "student tinycnn-4-bn", "student tinycnn-4-bn"],
            rows.Select(r => r.GetProperty("model").GetString()));

        // Everything is done: resuming does nothing but evaluate, to the same figures.
        var again = Run([.. train, "--resume"]);
        Assert.True(again.Code == 0, again.Error);
        Assert.Equal(rows.Select(r => r.ToString()), Summary().Select((r, i) => r.ToString().Replace(
            $"\"seconds\": {r.GetProperty("seconds")}", $"\"seconds\": {rows[i].GetProperty("seconds")}")));

        var model = Path.Combine(Output, "student-ard.safetensors");
        var evaluated = Run(
            "evaluate", "--model", model, "--test-images", "30", "--eps", "8/255", "--attacks", "fgsm,pgd-20", "--seed", "3");
        Assert.True(evaluated.Code == 0, evaluated.Error);
        var expected = rows[1].GetProperty("pgd20").GetDouble();
        Assert.Matches($@"pgd-20 +{expected:F2} %", evaluated.Output);
    }

    [Fact]
    public void One_short_training_takes_all_the_extras()
    {
        string[] train =
        [
            "--data", "builtin", "--student", "tinycnn-4-bn", "--epochs", "2", "--method", "at", "--train-images", "60", "--test-images",
            "20", "--batch", "20", "--steps", "2", "--threads", "1", "--output", Output, "--awp", "--clip", "1", "--label-smoothing", "0.1",
            "--cutout", "5",
        ];
        var (code, _, error) = Run([.. train, "--ema", "0.9"]);
        Assert.True(code == 0, error);
        Assert.Single(Summary());

        // Each of them is a setting of the training: the checkpoint fits no other.
        var other = Run([.. train[..^7], "--cutout", "6", "--swa", "1", "--resume"]);
        Assert.Equal(2, other.Code);
        Assert.All(
            [
                "AdversarialWeightPerturbation", "ClipGradientNorm: 1 in the file", "LabelSmoothing: 0.1 in the file", "cutout 5 in the file",
                "cutout 6 given", "Decay = 0.9", "FromEpoch = 1",
            ],
            part => Assert.Contains(part, other.Error));

        Assert.Contains("expected one of them", Run([.. train, "--ema", "0.9", "--swa", "1"]).Error);
    }

    [Theory]
    [InlineData("--epochs 'x': expected a whole number from 1", "distill", "--epochs", "x")]
    [InlineData("--epochs '0': expected a whole number from 1", "--epochs", "0")]
    [InlineData("--method 'ard,art': expected natural, at, trades, kd, ard, ard-official, ard-corrected", "--method", "ard,art")]
    [InlineData("--eps '8/x': expected a number from 0, such as 0.1, 5e-4 or 8/255", "--eps", "8/x")]
    [InlineData("--schedule 'linear': Schedule 'linear': expected one of constant", "--schedule", "linear")]
    [InlineData("--student 'resnet19': ", "--student", "resnet19")]
    [InlineData("--attacks 'pdg': There is no attack 'pdg': expected fgsm", "evaluate", "--model", "x", "--attacks", "pdg")]
    [InlineData("--model", "evaluate")]
    [InlineData("--colour", "demo", "--colour", "red")]
    [InlineData("tarin", "tarin")]
    [InlineData("no-such-folder", "--data", "no-such-folder", "--output", "out")]
    [InlineData("no-such-file", "evaluate", "--model", "no-such-file")]
    [InlineData("Device is 'gpu'", "--data", "builtin", "--train-images", "20", "--test-images", "10", "--device", "gpu")]
    public void Bad_arguments_give_one_line_that_says_what_is_wrong_and_exit_code_2(string expected, params string[] arguments)
    {
        var (code, output, error) = Run(arguments);
        Assert.Equal(2, code);
        Assert.Contains(expected, error);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain("   at ", error + output);
    }

    [Fact]
    public void Help_lists_the_options()
    {
        var (code, output, _) = Run("distill", "--help");
        Assert.Equal(0, code);
        Assert.Contains("--teacher-checkpoint", output);
        Assert.Contains("ard-official", output);
    }
}

using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;

namespace Ard.Examples.Tests;

public sealed class ExportTests : IDisposable
{
    private readonly ExampleProgram program = new("Distill");

    public void Dispose() => program.Dispose();

    private string In(string name) => Path.Combine(program.Folder, name);

    private void Run(params string[] arguments)
    {
        var (code, _, error) = program.Run(arguments);
        Assert.True(code == 0, error);
    }

    [Fact]
    public void A_trained_student_is_evaluated_and_exported_with_a_card_that_knows_all_of_it()
    {
        Run("--data", "builtin", "--student", "tinycnn-4-bn", "--method", "at", "--epochs", "1", "--train-images", "40",
            "--test-images", "10", "--batch", "20", "--steps", "1", "--seed", "9", "--threads", "1", "--output", program.Output);
        var model = Path.Combine(program.Output, "student-at.safetensors");
        Run("evaluate", "--model", model, "--test-images", "20", "--attacks", "fgsm", "--json", In("report.json"));
        Run("export", model, "--format", "onnx,safetensors", "--softmax", "--evaluation", In("report.json"), "--output", In("v1.0"));

        using var report = JsonDocument.Parse(File.ReadAllText(In("report.json")));
        var accuracy = 100 * report.RootElement.GetProperty("attacks")[0].GetProperty("accuracy").GetDouble();
        var card = File.ReadAllText(In("v1.0.card.md"));
        Assert.All(
            [
                "| Data | builtin, 40 training images |", "| Method | adversarial-training |", "| Preset | none |", "| Seed | 9 |",
                "    Options.Epochs: 1\n", "On 20 images (builtin); the adversary's budget: Linf, 0.1", $"| fgsm | {accuracy:F2} % right",
                "| v1.0.onnx | ONNX, opset 17", "| v1.0.safetensors | safetensors",
            ],
            part => Assert.Contains(part, card));
        Assert.True(File.Exists(In("v1.0.onnx")) && File.Exists(In("v1.0.card.json")));

        // The ONNX file answers as the network does, and nothing else is asked of it.
        var asked = program.Run(
            "evaluate", "--model", In("v1.0.onnx"), "--test-images", "20", "--attacks", "square-10", "--queries", "7",
            "--json", In("o.json"));
        Assert.True(asked.Code == 0, asked.Error);
        Assert.Contains("asked only, 20 images", asked.Output);
        Assert.Matches("was only queried, at most 8 times an image, [1-8] on average, with a budget of 7 for the attacks", asked.Output);
        using var answers = JsonDocument.Parse(File.ReadAllText(In("o.json")));
        Assert.Equal(
            report.RootElement.GetProperty("clean").GetProperty("accuracy").GetDouble(),
            answers.RootElement.GetProperty("clean").GetProperty("accuracy").GetDouble());
        Assert.Contains("no gradient for pgd-20", program.Run("evaluate", "--model", In("v1.0.onnx"), "--attacks", "pgd-20").Error);

        // As one of 7 images at a time does: 08 87 80 … is that number in the place of the dimension's name.
        byte[] name = [0x12, 5, .. "batch"u8], number = [8, 0x87, 0x80, 0x80, 0x80, 0x80, 0];
        var bytes = File.ReadAllBytes(In("v1.0.onnx"));
        for (int at; (at = bytes.AsSpan().IndexOf(name)) >= 0;) number.CopyTo(bytes, at);
        File.WriteAllBytes(In("seven.onnx"), bytes);
        var seven = program.Run("evaluate", "--model", In("seven.onnx"), "--test-images", "20", "--attacks", "square-10", "--queries", "7");
        Assert.True(seven.Code == 0, seven.Error);
        Assert.Equal(
            asked.Output.Split('\n').Where(line => line.Contains('%')), seven.Output.Split('\n').Where(line => line.Contains('%')));

        var refused = program.Run("export", In("v1.0.safetensors"), "--output", In("oblong"), "--image-shape", "1x16x24");
        Assert.Contains("does not take images of [1,16,24]", Assert.Single(refused.Error.TrimEnd('\n').Split('\n')));
        using (var network = (NetworkSpec.Parse("resnet-8") with { InputChannels = 1 }).Build(seed: 1))
            ModelFile.Write(In("any-size.safetensors"), network);
        Run("export", In("any-size.safetensors"), "--output", In("oblong"), "--image-shape", "1x16x24");
        // The built-in images are square.
        Assert.Contains("Expected: 24", program.Run("evaluate", "--model", In("oblong.onnx"), "--test-images", "5").Error);

        // What was exported as safetensors can be evaluated and exported again, and still has its card.
        Run("export", In("v1.0.safetensors"), "--output", In("again"));
        Assert.Contains("| Seed | 9 |", File.ReadAllText(In("again.card.md")));

        // The report of one network is not that of another.
        Run("--data", "builtin", "--student", "tinycnn-4-bn", "--method", "at", "--epochs", "1", "--train-images", "40",
            "--test-images", "10", "--batch", "20", "--steps", "1", "--seed", "10", "--threads", "1", "--output", In("other"));
        var (code, _, error) = program.Run("export", In("other/student-at.safetensors"), "--evaluation", In("report.json"));
        Assert.Equal(2, code);
        Assert.Contains("The evaluation is of other weights", error);
    }

    [Theory]
    [InlineData("--format 'onyx': expected onnx or safetensors", "export", "x", "--format", "onyx")]
    [InlineData("no-such-file", "export", "no-such-file")]
    [InlineData("/: expected a file, found a folder", "export", "/")]
    [InlineData("--json '.': expected a file, found a folder", "evaluate", "--model", "x", "--json", ".")]
    [InlineData("--report '/proc/version/a/b': expected a file in a folder, found that /proc/version is a file", "evaluate", "--model",
        "x", "--report", "/proc/version/a/b")]
    [InlineData("'x.safetensors' is the file itself", "export", "x.safetensors", "--format", "safetensors")]
    [InlineData("expected one budget", "evaluate", "--model", "x", "--eps", "0,0.1", "--json", "y")]
    [InlineData("--judge and --shard are given", "evaluate", "--model", "x", "--state", "y", "--shard", "1/2", "--save-examples", "z",
        "--judge", "3")]
    [InlineData("--report and --shard are given", "evaluate", "--model", "x", "--state", "y", "--shard", "1/2", "--report", "z")]
    [InlineData("--smallest and several budgets are given", "evaluate", "--model", "x", "--smallest", "--eps", "0.1,0.2")]
    [InlineData("Required argument 'FILE' missing", "export")]
    public void Bad_arguments_give_one_line_that_says_what_is_wrong_and_exit_code_2(string expected, params string[] arguments)
    {
        var (code, output, error) = program.Run(arguments);
        Assert.Equal(2, code);
        Assert.Contains(expected, error);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain("   at ", error + output);
    }
}

namespace Ard.Examples.Tests;

/// <summary>teacher, with a student and a file; and what a training with that teacher says.</summary>
public sealed class TeacherCommandTests : IDisposable
{
    private readonly ExampleProgram distill = new("Distill");

    public void Dispose() => distill.Dispose();

    [Fact]
    public void A_teacher_is_judged_before_it_teaches()
    {
        var training = distill.Run(
            "distill", "--method", "kd", "--teacher-method", "natural", "--epochs", "2", "--train-images", "200", "--test-images", "20",
            "--validation", "0", "--output", "out");
        Assert.True(training.Code == 0, training.Error);
        Assert.Contains("student, clean distillation: the teacher, on 200 training images: ", training.Output);
        var teacher = Path.Combine("out", "teacher-natural.safetensors");
        var (code, output, error) = distill.Run(
            "teacher", teacher, "--student", teacher, "--eps", "0.1", "--images", "100", "--device", "cpu", "--threads", "1",
            "--json", "t.json");
        Assert.True(code == 0, error);
        Assert.StartsWith($"{teacher}: 100 training images: ", output);
        Assert.Contains("100.0 % of the student's adversarial examples deceive it too", output);
        Assert.Contains("\nIt will not help: the teacher gets ", output);
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(distill.Folder, "t.json")));
        Assert.Equal(100, json.RootElement.GetProperty("images").GetInt32());
        Assert.Equal(1, json.RootElement.GetProperty("transferShare").GetDouble());
    }
}

using System.Text.RegularExpressions;

namespace Ard.Examples.Tests;

public sealed class DistillTests : IDisposable
{
    private readonly ExampleProgram program = new("Distill");

    private string Output => program.Output;

    public void Dispose() => program.Dispose();

    private (int Code, string Output, string Error) Run(params string[] arguments) => program.Run(arguments);

    private JsonElement[] Summary() => program.Summary();

    private string Card(string model) =>
        Trainers.Checkpoints.Safetensors.ReadMetadata(Path.Combine(Output, $"{model}.safetensors"))["ard.card"];

    [Fact]
    public void Extra_images_are_mixed_in_with_the_teachers_labels()
    {
        var extra = Path.Combine(Output, "extra");
        Directory.CreateDirectory(Output);
        using (var images = Trainers.Data.Glyphs.Generate(50, seed: 9)) images.Save(extra);
        string[] train =
        [
            "--student", "tinycnn-2", "--teacher", "tinycnn-2", "--epochs", "1", "--method", "natural", "--train-images", "60",
            "--test-images", "10", "--batch", "20", "--threads", "1", "--output", Output,
        ];
        var (code, output, error) = Run(
            [.. train, "--extra-data", extra, "--extra-share", "0.5", "--extra-labels", "teacher", "--mix", "cutmix",
            "--rand-augment", "2,9"]);
        Assert.True(code == 0, error);
        Assert.Contains("auxiliary labels: of 50 auxiliary images the teacher sees", output);
        Assert.Equal(["teacher tinycnn-2", "student tinycnn-2"], Summary().Select(row => row.GetProperty("model").GetString()));
        var page = File.ReadAllText(Path.Combine(Output, "report.html"));
        Assert.Single(Regex.Matches(page, "Auxiliary labels: of 50 auxiliary images"));
        Assert.Contains("50 images 1x16x16 of 10 classes", page);
        Assert.Contains("CutMixing", page);
        Assert.Contains("+ randaugment 2x9", page);
        Assert.Contains("without --extra-data", Run([.. train, "--extra-share", "0.5"]).Error);

        // None of them: no teacher is asked, and the card tells of none.
        (code, _, error) = Run(
            [.. train, "--extra-data", extra, "--extra-share", "0", "--extra-labels", "teacher", "--rand-augment", "2,0"]);
        Assert.True(code == 0, error);
        Assert.Single(Summary());
        Assert.Contains("60 training images\"", Card("student-natural"));
        Assert.Contains("randaugment 2x0", Card("student-natural"));
    }

    // As Slurm, Kubernetes and docker stop do it.
    [Fact]
    public async Task A_training_that_is_told_to_end_leaves_its_checkpoint()
    {
        if (OperatingSystem.IsWindows()) return;
        using var process = program.Start(
            "--student", "tinycnn-2", "--method", "at", "--epochs", "100000", "--train-images", "40", "--test-images", "10", "--batch",
            "20", "--steps", "1", "--threads", "1", "--output", Output);
        while (await process.StandardOutput.ReadLineAsync() is { } line && !line.Contains("epoch ", StringComparison.Ordinal))
        {
        }
        var (rest, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        System.Diagnostics.Process.Start("kill", ["-TERM", $"{process.Id}"]).WaitForExit();
        process.WaitForExit();
        Assert.Equal(130, process.ExitCode);
        await rest;
        Assert.Contains("Cancelled. The same command goes on where it stopped: distill with --resume", await error);
        Assert.True(File.Exists(Path.Combine(Output, "student-at", "last.safetensors")));
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

        var page = File.ReadAllText(Path.Combine(Output, "report.html"));
        foreach (var network in (string[])["teacher, adversarial training", "student, ARD", "student, clean distillation"])
            Assert.Contains($"<h3>{network}</h3>", page);
        Assert.Contains("./ard distill --data builtin --student tinycnn-4-bn", page);

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
        Assert.Matches($@"pgd-20 +{expected:F2} % +\(\d+ right; 95 %: \d+\.\d\d to \d+\.\d\d\)", evaluated.Output);

        // In steps to the same figures, with examples; and a curve that ends at the same worst case.
        string[] evaluate = ["evaluate", "--model", model, "--test-images", "30", "--attacks", "fgsm,pgd-20", "--seed", "3"];
        var (state, examples) = (Path.Combine(Output, "state"), Path.Combine(Output, "examples.safetensors"));
        foreach (var _ in new[] { 1, 2 })
            Assert.Equal(evaluated.Output, Run([.. evaluate, "--eps", "8/255", "--state", state, "--save-examples", examples]).Output);
        Assert.True(File.Exists(examples));
        Assert.Contains("Threat: Linf", Run([.. evaluate, "--eps", "4/255", "--state", state, "--save-examples", examples]).Error);
        var curve = Run([.. evaluate, "--eps", "8/255,0,4/255"]);
        Assert.True(curve.Code == 0, curve.Error);
        Assert.Matches(@"Linf 0\.0000 [\s\S]*Linf 0\.0157 [\s\S]*Linf 0\.0314 ", curve.Output);
        foreach (var (budgets, section) in new[] { ("8/255", "confusion"), ("0,8/255", "budget") })
        {
            var file = Path.Combine(Output, section + ".html");
            Assert.Contains(file, Run([.. evaluate, "--eps", budgets, "--report", file]).Output);
            Assert.Contains($"<h2 id=\"{section}\">", File.ReadAllText(file));
        }
        Assert.Contains("expected one budget", Run([.. evaluate, "--eps", "0,8/255", "--save-examples", examples]).Error);

        // What became of each image.
        var lines = Path.Combine(Output, "rows.jsonl");
        var told = Run([.. evaluate, "--eps", "8/255", "--rows", lines]).Output;
        Assert.Matches(@"Weakest class: \w+, \d+\.\d\d % in the worst case \(\d+ of \d+; 95 %: ", told);
        var rowsOfImages = File.ReadLines(lines).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(Enumerable.Range(0, 30), rowsOfImages.Select(row => row.GetProperty("row").GetInt32()));
        var robust = rowsOfImages.Count(row => row.GetProperty("label").GetInt64() == row.GetProperty("attacked").GetInt64());
        Assert.Matches($@"worst-case +\d+\.\d\d %  \({robust} right; ", told);

        var pageOfJudged = Path.Combine(Output, "judged.html");
        var judged = Run([
            .. evaluate, "--eps", "8/255", "--save-examples", Path.Combine(Output, "judged.safetensors"), "--judge", "3", "--report",
            pageOfJudged]);
        Assert.Contains("the worst points, judged 3 times", File.ReadAllText(pageOfJudged));
        var worst = Regex.Match(judged.Output, @"worst-case +(\S+) %").Groups[1].Value;
        Assert.Contains($"judged 3 times: mean {worst} % (95 %: ", judged.Output);

        var several = Run([.. evaluate, "--threat", "linf:8/255,l2:0.5"]);
        Assert.Matches(@"Linf 0\.03137\nclean [\s\S]*L2 0\.5\nclean [\s\S]*union +\d+\.\d\d % .*of Linf 0\.03137, L2 0\.5", several.Output);
        var unfit = Run("evaluate", "--model", model, "--test-images", "30", "--attacks", "pgd-2", "--threat", "linf:8/255,l1:12");
        Assert.Equal(2, unfit.Code);
        Assert.Contains("the attack 'pgd-2' cannot do L1", unfit.Error);
        Assert.DoesNotContain("worst-case", unfit.Output);
        var smallest = Run(
            "evaluate", "--model", model, "--test-images", "30", "--attacks", "deepfool,fmn", "--smallest", "--threat", "l2:0.5,linf:8/255",
            "--state", Path.Combine(Output, "smallest"), "--report", Path.Combine(Output, "smallest.html"));
        Assert.Matches(
            @"smallest in L2: median \S+, quartiles \S+ and \S+ \(deepfool, fmn\)\n[\s\S]*L2 1\.0000 [\s\S]*smallest in Linf: ",
            smallest.Output);
        Assert.Contains("<h2 id=\"budget\">", File.ReadAllText(Path.Combine(Output, "smallest.html")));

        // From itself, an attack carries over in full; PGD keeps the worst point in one and the first that wins in the other.
        var transferred = Run(
            "evaluate", "--model", model, "--surrogate", model, "--test-images", "30", "--eps", "8/255",
            "--attacks", "mi-fgsm-3,cw-2,deepfool,pgd-2-least", "--seed", "3");
        Assert.True(transferred.Code == 0, transferred.Error);
        Assert.Matches($@"transfer\(pgd-20\) +{expected:F2} %", transferred.Output);
        foreach (var name in new[] { "mi-fgsm-3", "cw-2", "deepfool", "pgd-2-least" }) Assert.Contains($"\n{name} ", transferred.Output);
    }

    [Fact]
    public void Without_options_a_training_has_the_defaults_of_the_library_for_method_and_images()
    {
        var (code, output, error) = Run(
            "--data", "builtin", "--epochs", "1", "--method", "at,ard", "--train-images", "60", "--test-images", "20", "--steps", "1",
            "--threads", "1", "--output", Output);
        Assert.True(code == 0, error);
        Assert.Equal(["teacher tinycnn-16-bn", "student tinycnn-8-bn", "student tinycnn-8-bn"],
            Summary().Select(row => row.GetProperty("model").GetString()));
        string[] Card(string method)
        {
            var metadata = Ard.Trainers.Checkpoints.Safetensors.ReadMetadata(Path.Combine(Output, $"student-{method}.safetensors"));
            return [.. JsonDocument.Parse(metadata["ard.card"]).RootElement.GetProperty("training").GetProperty("settings")
                .EnumerateArray().Select(line => line.GetString()!)];
        }
        var (at, ard) = (Card("at"), Card("ard"));
        Assert.All((string[])["Options.BatchSize: 32", "Options.Schedule: onecycle", "Options.Augmentation: crop 2"], line =>
        {
            Assert.Contains(line, at);
            Assert.Contains(line, ard);
        });
        Assert.Contains("Options.Optimizer.LearningRate: 0.05", at);
        Assert.Contains("Options.Optimizer.WeightDecay: 0.0005", at);
        Assert.Contains("Options.Optimizer.LearningRate: 0.5", ard);
        Assert.Contains("Objective.Options.Inner.Threat: Linf 0.1", ard);

        // Flags are on the console and in the file.
        Assert.All(Summary(), row => Assert.True(row.GetProperty("warnings").GetArrayLength() > 0));
        Assert.Contains("it has learned nothing", output, StringComparison.Ordinal);
    }

    [Fact]
    public void One_short_training_takes_all_the_extras()
    {
        string[] train =
        [
            "--data", "builtin", "--student", "tinycnn-4-bn", "--epochs", "2", "--method", "at+awp", "--train-images", "60",
            "--test-images", "20", "--batch", "20", "--steps", "2", "--threads", "1", "--output", Output,
            "--clip", "1", "--label-smoothing", "0.1", "--cutout", "5",
        ];
        var (code, _, error) = Run([.. train, "--ema", "0.9"]);
        Assert.True(code == 0, error);
        Assert.Single(Summary());

        // Each of them is a setting of the training: the checkpoint fits no other.
        var other = Run([.. train.SkipLast(6), "--cutout", "6", "--swa", "1", "--resume"]);
        Assert.Equal(2, other.Code);
        Assert.All(
            [
                "ClipGradientNorm: 1 in the file", "LabelSmoothing: 0.1 in the file", "cutout 5 in the file", "cutout 6 given",
                "Averaging.Decay: 0.9 in the file", "Averaging.FromEpoch: nothing in the file, 1 given",
            ],
            part => Assert.Contains(part, other.Error));

        Assert.Contains("expected one of them", Run([.. train, "--ema", "0.9", "--swa", "1"]).Error);
    }

    [Theory]
    [InlineData("--epochs 'x': expected a whole number from 1", "distill", "--epochs", "x")]
    [InlineData("--epochs '0': expected a whole number from 1", "--epochs", "0")]
    [InlineData("--print-preset 'radsl': Preset 'radsl': expected one of ard-official", "--print-preset", "radsl")]
    [InlineData("--method 'kd+igdm': The method kd finds no adversarial images, which +igdm needs",
        "--method", "kd+igdm")]
    [InlineData("--method 'ard,art': There is no method 'art': expected natural, at, trades, kd, ard, ard-corrected",
        "--method", "ard,art")]
    [InlineData("--preset trades-generated is for generated images, expected their file as --extra-data",
        "--preset", "trades-generated", "--data", "no-such-folder")]
    [InlineData("--preset trades-generated+awp is for generated images, expected their file as --extra-data, with an --extra-share above 0",
        "--preset", "trades-generated+awp", "--extra-data", "no-such-file", "--extra-share", "0")]
    [InlineData("--beta, --replays: no method of this run has such a setting; it trains rslad, at.",
        "--method", "rslad", "--beta", "3", "--replays", "4", "--steps", "3", "--train-images", "20", "--test-images", "10")]
    [InlineData("--mix is given, and mart needs a class for each image",
        "--method", "ard,mart", "--mix", "cutmix", "--train-images", "20", "--test-images", "10", "--output", "out")]
    [InlineData("--rand-augment '2,-1': expected a whole number from 0", "--rand-augment", "2,-1")]
    [InlineData("--eps '8': expected a number from 0 to 1, in units of pixels from 0 to 1, such as 8/255", "--eps", "8")]
    [InlineData("--eps '8/x': expected a number from 0, such as 0.1, 5e-4 or 8/255", "--eps", "8/x")]
    [InlineData("--schedule 'linear': Schedule 'linear': expected one of constant", "--schedule", "linear")]
    [InlineData("--student 'resnet19': ", "--student", "resnet19")]
    [InlineData("--attacks 'pdg': There is no attack 'pdg': expected fgsm", "evaluate", "--model", "x", "--attacks", "pdg")]
    [InlineData("--judge needs --save-examples", "evaluate", "--model", "x", "--judge", "3")]
    [InlineData("--threat 'l3:1': expected a norm and a budget", "evaluate", "--model", "x", "--threat", "l3:1")]
    [InlineData("--eps and --threat are given", "evaluate", "--model", "x", "--threat", "l2:1", "--eps", "0.1")]
    [InlineData("--model", "evaluate")]
    [InlineData("--colour", "--colour", "red")]
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
    public void Print_preset_prints_every_setting_on_a_line_of_its_own_and_trains_nothing()
    {
        var (code, output, error) = Run("--print-preset", "rslad", "--output", Output);
        Assert.True(code == 0, error);
        var lines = output.TrimEnd('\n').Split('\n');
        Assert.StartsWith("rslad: ", lines[0]);
        Assert.Contains("Objective.Options.Inner.Steps: 10", lines);
        Assert.Contains("Options.Epochs: 300", lines);
        Assert.Contains("Options.Schedule: multistep:215,260,285", lines);
        Assert.Contains("Options.Optimizer.WeightDecay: 0.0002", lines);
        Assert.False(Directory.Exists(Output));
    }

    [Theory]
    [InlineData("trades-generated", "Objective.Options.Beta: 5", "Options.LabelSmoothing: 0.1", "Options.Validation.Attacks: cw-40")]
    [InlineData("trades-cutmix", "Objective.Options.Beta: 6", "Options.Mixing: CutMixing", "Options.Validation.Attacks: pgd-10")]
    public void A_preset_trains_with_all_of_its_settings_and_its_steps_follow_the_budget(string preset, params string[] own)
    {
        var generated = Path.Combine(program.Folder, "generated");
        using (var images = Trainers.Data.Glyphs.Generate(50, seed: 9)) images.Save(generated);
        string[] extra = preset != "trades-generated" ? []
            : ["--extra-data", generated, "--extra-labels", "teacher", "--teacher-method", "trades", "--teacher", "tinycnn-2"];
        var (code, _, error) = Run([
            .. extra, "--data", "builtin", "--student", "tinycnn-4-bn", "--preset", preset, "--epochs", "1", "--eps", "0.2",
            "--train-images", "60", "--test-images", "10", "--batch", "20", "--steps", "1", "--threads", "1", "--output", Output,
        ]);
        Assert.True(code == 0, error);
        var card = Card("student-trades");
        Assert.Contains($"\"preset\": \"{preset}\"", card);
        // The recipe is the student's, and no teacher's.
        if (extra.Length > 0) Assert.Contains("\"Objective.Options.Beta: 6\"", Card("teacher-trades"));
        foreach (var line in own.Union([
            "Objective.Options.Inner.StepSize: 0.05", "Options.Optimizer.Nesterov: True", "Options.Averaging.Decay: 0.995",
            "Options.Validation.Threat: Linf 0.2"]))
            Assert.Contains($"\"{line}\"", card);
    }

    [Fact]
    public void The_successors_of_ARD_are_trained_by_their_names()
    {
        var (code, output, error) = Run(
            "--data", "builtin", "--student", "tinycnn-4-bn", "--teacher", "tinycnn-4-bn", "--epochs", "1", "--teacher-method", "natural",
            "--method", "rslad,iad,adaad,adaiad,adaad+igdm", "--train-images", "40", "--test-images", "10", "--batch", "20", "--steps", "1",
            "--threads", "1", "--output", Output);
        Assert.True(code == 0, error);
        Assert.Equal(["natural training", "RSLAD", "IAD", "AdaAD", "AdaIAD", "AdaAD + IGDM"],
            Summary().Select(row => row.GetProperty("method").GetString()));
        Assert.True(File.Exists(Path.Combine(Output, "student-adaad+igdm.safetensors")), output);
    }

    [Fact]
    public void Help_lists_the_options()
    {
        var (code, output, _) = Run("distill", "--help");
        Assert.Equal(0, code);
        Assert.Contains("--teacher-checkpoint", output);
        Assert.Contains("ard-official", output);
        // No default is the name of a type.
        foreach (var verb in (string[])["distill", "evaluate", "export", "import"])
        {
            var (_, help, _) = Run(verb, "--help");
            Assert.DoesNotContain("Ard.Trainers.", help, StringComparison.Ordinal);
            Assert.DoesNotContain("System.", help, StringComparison.Ordinal);
            // Nor is it said twice.
            Assert.DoesNotMatch(@"Default.*\[default:", help);
        }
    }
}

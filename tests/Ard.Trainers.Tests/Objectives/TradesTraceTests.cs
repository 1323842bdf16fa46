namespace Ard.Trainers.Tests.Objectives;

/// <summary>TRADES against the recorded run of its released code.</summary>
public sealed class TradesTraceTests
{
    private const string Common = "reference/traces/common_batch_and_teacher.safetensors";
    private const string Run = "reference/traces/successors_wrn10_1.safetensors";

    [SharedFact(Common, Run)]
    public void One_iteration_in_float64_equals_the_record()
    {
        using var scope = NewDisposeScope();
        var (common, run) = (Fixture.Trace("common_batch_and_teacher"), Fixture.Trace("successors_wrn10_1"));
        var student = Student(run, ScalarType.Float64);
        var recorder = new RecordingNetwork(student);
        recorder.train();
        using var generator = new Generator(0);
        using var optimizer = optim.SGD(student.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
        var loss = new Trades().Loss(new TrainingBatch
        {
            Student = recorder,
            Images = common.Double("inputs"),
            Labels = common["labels"],
            Generator = generator,
            StartNoise = run.Double("trades.noise"),
        });
        optimizer.zero_grad();
        loss.backward();

        const string Prefix = "float64.trades.";
        var passes = recorder.Calls.Where(call => call.Training).ToArray();
        Assert.Equal(3, passes.Length);
        Compare.Close(run[Prefix + "x_adv"], passes[1].Input, 1e-6, "x_adv");
        string[] names = ["train_forward1.clean_logits", "train_forward2.adv_logits", "train_forward3.clean_logits"];
        foreach (var (pass, name) in passes.Zip(names))
            Compare.Close(run[Prefix + name], pass.Logits, 1e-6, name);
        Compare.Close(run[Prefix + "loss"], loss, 1e-6, "loss");
        foreach (var (name, gradient) in run.Under(Prefix + "grad."))
            Compare.Close(gradient, student.get_parameter(name)!.grad!, 1e-6, "grad." + name);
        optimizer.step();
        var state = student.state_dict();
        Assert.Equal(state.Count, run.Under(Prefix + "after.student.").Count());
        foreach (var (name, value) in run.Under(Prefix + "after.student.")) Compare.Close(value, state[name], 1e-6, "after." + name);
    }

    [SharedFact(Common, Run)]
    public void Each_link_in_float32_equals_the_record()
    {
        using var scope = NewDisposeScope();
        var (common, run) = (Fixture.Trace("common_batch_and_teacher"), Fixture.Trace("successors_wrn10_1"));
        var student = Student(run, ScalarType.Float32);
        student.train();
        using var generator = new Generator(0);
        var options = new TradesOptions();
        var batch = new TrainingBatch
        {
            Student = student,
            Images = common["inputs"],
            Labels = common["labels"],
            Generator = generator,
            StartNoise = run["trades.x_adv"] - common["inputs"],
        };
        var loss = new Trades(options with { Inner = options.Inner with { Steps = 0 } }).Loss(batch);
        Compare.Close(run["trades.train_forward2.adv_logits"], batch.Logits!, 2e-5, "adversarial logits");
        Compare.Close(run["trades.loss"], loss, 1e-5, "loss");
        loss.backward();
        foreach (var (name, gradient) in run.Under("trades.grad."))
            Compare.Close(gradient, student.get_parameter(name)!.grad!, 1e-3, "grad." + name);
    }

    private static Module<Tensor, Tensor> Student(Fixture run, ScalarType dtype)
    {
        var student = NetworkSpec.Parse("wideresnet-10-1-sub_block1").Build(seed: 0);
        Weights.Load(student, run.All, "student.init.");
        return student.to(dtype);
    }
}

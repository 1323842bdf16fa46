using Ard.Trainers.Tests.Attacks;

namespace Ard.Trainers.Tests.Training;

[Collection(GlobalRandomStateCollection.Name)]
public sealed class ProcessStateTests
{
    [Fact]
    public void Of_two_trainings_at_once_each_has_its_threads_and_leaves_its_own_and_every_other_thread_as_they_were()
    {
        var (here, fresh) = (get_num_threads(), OnNewThread(get_num_threads));
        using var began = new Barrier(2);
        var (first, second) = (Train(fresh + 1, endsFirst: true), Train(fresh + 2, endsFirst: false));
        Assert.Equal((fresh, fresh + 1, fresh), first());
        Assert.Equal((fresh, fresh + 2, fresh), second());
        Assert.Equal((here, fresh), (get_num_threads(), OnNewThread(get_num_threads)));

        // A training on a thread of its own: what that has before, meanwhile and afterwards. Meanwhile new threads get the usual number.
        Func<(int Before, int Within, int After)> Train(int threads, bool endsFirst)
        {
            var numbers = (0, 0, 0);
            var thread = new Thread(() =>
            {
                numbers.Item1 = get_num_threads();
                // A thread that asks for the first time just while another begins gets that one's number.
                began.SignalAndWait();
                using (new ProcessState(threads))
                {
                    began.SignalAndWait();
                    numbers.Item2 = get_num_threads() + OnNewThread(get_num_threads) - fresh;
                    if (!endsFirst) began.SignalAndWait();
                }
                numbers.Item3 = get_num_threads();
                if (endsFirst) began.SignalAndWait();
            });
            thread.Start();
            return () =>
            {
                thread.Join();
                return numbers;
            };
        }

        static int OnNewThread(Func<int> number)
        {
            var found = 0;
            var thread = new Thread(() => found = number());
            thread.Start();
            thread.Join();
            return found;
        }
    }
}
